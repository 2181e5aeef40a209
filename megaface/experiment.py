"""One size and one set of the MegaFace protocol, from features to result files; a killed run can be continued."""

import collections
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.count_checkpoint import fingerprint, load_checkpoint, save_checkpoint
from insightrec.megaface.deferred_interrupt import deferred_interrupt
from insightrec.megaface.devkit_json import to_devkit_json
from insightrec.megaface.distractor_count import CountJob, count_distractors
from insightrec.megaface.exact_figures import exact_figures
from insightrec.megaface.experiment_names import ExperimentNames
from insightrec.megaface.experiment_outcome import devkit_curves, experiment_outcome
from insightrec.megaface.experiment_plot import experiment_plot
from insightrec.megaface.experiment_record import is_as_written, read_record, record_bytes
from insightrec.megaface.feature_source import open_source
from insightrec.megaface.match_table import match_table
from insightrec.megaface.template_list import TemplateList, read_template_list, write_template_list
from insightrec.recordio_tools.atomic_file import AtomicFileSet
from insightrec.recordio_tools.errors import FeatureError, OutputError
from insightrec.recordio_tools.file_hash import sha256

MODES = ("exact", "fast")
CHECKPOINT_SECONDS = 30.0  # at least, between two; one has up to 60 MB


class Probes(NamedTuple):
    """The probes' list and features.

    facts: dict, what results say of the list. templates: `TemplateList`. values: float32 (N, d). mark: their SHA-256.
    """

    facts: dict
    templates: TemplateList
    values: np.ndarray
    mark: str


class Experiment(NamedTuple):
    """One size and set, ready to count.

    names: `ExperimentNames`. facts: dict of JSON types, what the results say they were made from. templates: the
    distractors' `TemplateList`. source: their features. distractors: how many, the first of the list, count.
    mark: the `fingerprint`. probes_mark: that of the probes alone.
    """

    names: ExperimentNames
    facts: dict
    templates: TemplateList
    source: object
    distractors: int
    mark: str
    probes_mark: str


def open_probes(list_path, location, file_ending):
    """Read `Probes`, all of them.

    Raises:
        ListError, FeatureError: the list or a feature cannot be read.
    """
    templates = read_template_list(list_path, ids_required=True)
    source = open_source(location, templates.paths, file_ending)
    source.check()
    values = source.read(0, len(source))
    return Probes(_list_facts(list_path, templates), templates, values, hashlib.sha256(values.data).hexdigest())


def open_experiment(names, list_path, location, file_ending, probes, mode):
    """Look at the distractors' list and features.

    As in the devkit, a list may be longer than its size, and then the first count; or it is shorter, and all do.

    Raises:
        ListError, FeatureError: the list or a feature cannot be read, or features have not the probes' dimension.
    """
    templates = read_template_list(list_path)
    source = open_source(location, templates.paths, file_ending)
    source.check()
    dimension = probes.values.shape[1]
    if source.dimension != dimension:
        advice = "give features of one model"
        if abs(source.dimension - dimension) == 1:
            advice += "; if remove_noises has added a column to the features of one side, give it both"
        raise FeatureError(
            f"{location}: expected features of {dimension} numbers as the probes', found {source.dimension}; {advice}"
        )
    distractors = min(names.size, len(source))
    facts = {
        "algorithm": names.algorithm,
        "mode": mode,
        "probe_list": probes.facts,
        "distractor_list": _list_facts(list_path, templates),
        "size": names.size,
        "set": names.set_number,
    }
    mark = fingerprint(probes.mark, source, distractors, facts)
    return Experiment(names, facts, templates, source, distractors, mark, probes.mark)


def is_finished(experiment):
    """Whether the results are there, as they were written.

    Raises:
        OutputError: there are results of other lists, features or another mode, or of which nothing is known.
    """
    names = experiment.names
    record = read_record(names.record)
    if record is None:
        unknown = [path for path in names.results if path.exists()]
        if unknown and not names.checkpoint.exists():
            raise OutputError(
                f"{unknown[0]}: expected beside it {names.record}, which says what it was made from, found none; give "
                "--overwrite, or another out_root"
            )
        return False
    if record.get("fingerprint") != experiment.mark:
        raise OutputError(
            f"{names.result('exact')}: expected results of these lists, features and mode, found others'; give "
            "--overwrite, or another out_root"
        )
    return all(is_as_written(record, path) for path in names.results)


def finished_figures(names, probes_mark):
    """The content of ``exact_*.json`` of each size and set that has been finished with the same names, ascending.

    Returns:
        list of dict; and how many are left out, as they are damaged or of other probes.
    """
    found, sizes = [], names.finished_sizes()
    for each in sizes:
        record, path = read_record(each.record), each.result("exact")
        if record and record.get("probes") == probes_mark and is_as_written(record, path):
            found.append(json.loads(path.read_bytes()))
    return found, len(sizes) - len(found)


def write_located_list(path, templates, location, file_ending):
    """Write a list as the devkit's script does, with the paths of feature files; a packed store has none."""
    if Path(location).is_dir():
        located = [os.path.join(location, image + file_ending) for image in templates.paths]
        templates = templates._replace(paths=located)
    write_template_list(path, templates, overwrite=True)


def open_counts(experiment, probe_set, resume):
    """The `BlockCounts` to go on with: with ``resume`` those that an unfinished run has saved, else none yet.

    Raises:
        OutputError: what was saved is damaged, or of another run.
    """
    checkpoint = experiment.names.checkpoint
    if resume and checkpoint.exists():
        return load_checkpoint(checkpoint, probe_set, experiment.mark)
    return BlockCounts(probe_set, experiment.distractors)


def count(experiment, probe_set, engine, counts, *, product, block):
    """Complete ``counts``, of `open_counts`, with a progress bar. They are saved from time to time and on an interrupt.

    Args:
        probe_set: `ProbeSet`.
        engine: `ThreadEngine` or `RayEngine`.
        product: as `BlockCounts.add`.
        block: distractors read together.
    """
    checkpoint = experiment.names.checkpoint
    exact = experiment.facts["mode"] == "exact"
    job = CountJob(probe_set, experiment.source, experiment.distractors, product, exact)
    seen = sum(stop - start for start, stop in counts.columns)
    saved = time.monotonic()
    with (
        deferred_interrupt() as interrupted,
        tqdm(
            desc=experiment.names.title,
            total=experiment.distractors,
            initial=seen,
            unit="image",
            unit_scale=True,
            disable=None,
        ) as progress,
    ):
        for counted in count_distractors(engine, job, counts, block):
            seen += counted
            progress.update(counted)
            due = time.monotonic() - saved >= CHECKPOINT_SECONDS and not counts.complete
            if due or interrupted.is_set():
                save_checkpoint(checkpoint, counts, experiment.mark)
                saved = time.monotonic()
            if interrupted.is_set():
                progress.close()
                print(
                    f"{experiment.names.title}: {seen} of {experiment.distractors} distractors are counted and saved; "
                    "give --resume to go on",
                    file=sys.stderr,
                )
                raise KeyboardInterrupt


def write_results(experiment, probe_set, counts):
    """Write the result files and their record, replacing those that are there."""
    outcome = experiment_outcome(probe_set, counts, experiment.source)
    curves = devkit_curves(outcome)
    exact = {
        **experiment.facts,
        **exact_figures(outcome, curves),
        "people": outcome.subjects,
        "probes_without_mate": probes_without_mate(probe_set),
        "versions": _versions(),
    }
    contents = [
        to_devkit_json(match_table(probe_set, outcome.ranks, counts.top)),
        to_devkit_json(curves),
        experiment_plot(outcome, experiment.names.title),
        json.dumps(exact, indent=2, sort_keys=True, allow_nan=False).encode("ascii") + b"\n",
    ]
    names = experiment.names
    named = {path.name: content for path, content in zip(names.results, contents)}
    record = record_bytes(experiment.mark, experiment.probes_mark, named, names.distractor_scores)
    with AtomicFileSet([*names.results, names.record], overwrite=True) as files:
        for file, content in zip(files, [*contents, record]):
            file.write(content)


def probes_without_mate(probe_set):
    """How many probes of a `ProbeSet` are the only image of their person: they are in no pair."""
    return sum(len(images) == 1 for images in probe_set.subjects)


def _versions():
    """Versions of this program and of what its numbers come from."""
    return {
        "insightrec": importlib.metadata.version("insightrec"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _list_facts(path, templates):
    """What results say of a list. listed_again: how many images stand in it more than once, and count each time."""
    again = sum(times > 1 for times in collections.Counter(templates.paths).values())
    return {"name": Path(path).name, "sha256": sha256(path), "images": len(templates.paths), "listed_again": again}
