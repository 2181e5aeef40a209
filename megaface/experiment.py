"""One size and one set of the MegaFace protocol, from features to result files; a killed run can be continued."""

import importlib.metadata
import json
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.count_checkpoint import fingerprint, load_checkpoint, save_checkpoint
from insightrec.megaface.devkit_json import to_devkit_json
from insightrec.megaface.distractor_count import CountJob, count_distractors
from insightrec.megaface.exact_figures import exact_figures
from insightrec.megaface.experiment_names import ExperimentNames
from insightrec.megaface.experiment_outcome import devkit_curves, experiment_outcome
from insightrec.megaface.experiment_plot import experiment_plot
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

    facts: dict, what results say of the list. templates: `TemplateList`. values: float32 (N, d).
    """

    facts: dict
    templates: TemplateList
    values: np.ndarray


class Experiment(NamedTuple):
    """One size and set, ready to count.

    names: `ExperimentNames`. facts: dict of JSON types, what the results say they were made from. source: features of
    the distractors. distractors: how many, the first of the list, count. mark: the `fingerprint`.
    """

    names: ExperimentNames
    facts: dict
    source: object
    distractors: int
    mark: str

    @property
    def results(self):
        """The result files; the last comes last, so that with it all are there."""
        names = self.names
        return [names.result("matches"), names.result("cmc"), names.result("curves", "png"), names.result("exact")]


def open_probes(list_path, location, file_ending, rewritten):
    """Read `Probes`, all of them, and write their list with the paths of the features to ``rewritten``.

    Raises:
        ListError, FeatureError: the list or a feature cannot be read.
    """
    templates = read_template_list(list_path, ids_required=True)
    source = open_source(location, templates.paths, file_ending)
    source.check()
    write_template_list(rewritten, _located(templates, location, file_ending), overwrite=True)
    facts = {"name": Path(list_path).name, "sha256": sha256(list_path), "images": len(source)}
    return Probes(facts, templates, source.read(0, len(source)))


def open_experiment(names, list_path, location, file_ending, probes, mode):
    """Look at the distractors' list and features, and write the list as `open_probes` does.

    As in the devkit, a list may be longer than its size, and then the first count; or it is shorter, and all do.

    Raises:
        ListError, FeatureError: the list or a feature cannot be read, or features have not the probes' dimension.
    """
    templates = read_template_list(list_path)
    source = open_source(location, templates.paths, file_ending)
    source.check()
    dimension = probes.values.shape[1]
    if source.dimension != dimension:
        raise FeatureError(
            f"{location}: expected features of {dimension} numbers as the probes', found {source.dimension}; "
            "give features of one model"
        )
    write_template_list(names.distractor_list, _located(templates, location, file_ending), overwrite=True)
    distractors = min(names.size, len(source))
    facts = {
        "algorithm": names.algorithm,
        "mode": mode,
        "probe_list": probes.facts,
        "distractor_list": {"name": Path(list_path).name, "sha256": sha256(list_path), "images": len(source)},
        "size": names.size,
        "set": names.set_number,
    }
    mark = fingerprint(probes.values, source, distractors, facts)
    return Experiment(names, facts, source, distractors, mark)


def is_finished(experiment):
    """Whether the results are there.

    Raises:
        OutputError: there are results of other lists, features or another mode.
    """
    exact = experiment.results[-1]
    if not all(path.exists() for path in experiment.results):
        return False
    if read_exact(experiment.names).get("fingerprint") != experiment.mark:
        raise OutputError(
            f"{exact}: expected results of these lists, features and mode, found others'; give --overwrite, or another "
            "out_root"
        )
    return True


def read_exact(names):
    """The content of ``exact_*.json``.

    Raises:
        OutputError: it is damaged.
    """
    path = names.result("exact")
    try:
        content = json.loads(path.read_bytes())
        return content if isinstance(content, dict) else {}
    except (ValueError, RecursionError):
        raise OutputError(f"{path}: expected JSON, found a damaged file; give --overwrite") from None


def count(experiment, probe_set, engine, *, product, block, resume):
    """All of the experiment's `BlockCounts`, with a progress bar, saved from time to time.

    Args:
        probe_set: `ProbeSet`.
        engine: `ThreadEngine` or `RayEngine`.
        product: as `BlockCounts.add`.
        block: distractors read together.
        resume: go on with what an unfinished run has saved.
    """
    checkpoint = experiment.names.checkpoint
    if resume and checkpoint.exists():
        counts = load_checkpoint(checkpoint, probe_set, experiment.mark)
    else:
        counts = BlockCounts(probe_set, experiment.distractors)
    exact = experiment.facts["mode"] == "exact"
    job = CountJob(probe_set, experiment.source, experiment.distractors, product, exact)
    seen = sum(stop - start for start, stop in counts.columns)
    saved = time.monotonic()
    with tqdm(
        desc=experiment.names.title,
        total=experiment.distractors,
        initial=seen,
        unit="image",
        unit_scale=True,
        disable=None,
    ) as progress:
        for counted in count_distractors(engine, job, counts, block):
            progress.update(counted)
            if time.monotonic() - saved >= CHECKPOINT_SECONDS and not counts.complete:
                save_checkpoint(checkpoint, counts, experiment.mark)
                saved = time.monotonic()
    return counts


def write_results(experiment, probe_set, counts):
    """Write the result files, replacing those that are there."""
    outcome = experiment_outcome(probe_set, counts, experiment.source)
    curves = devkit_curves(outcome)
    exact = {
        **experiment.facts,
        **exact_figures(outcome, curves),
        "people": outcome.subjects,
        "fingerprint": experiment.mark,
        "versions": _versions(),
    }
    contents = [
        to_devkit_json(match_table(probe_set, outcome.ranks, counts.top)),
        to_devkit_json(curves),
        experiment_plot(outcome, experiment.names.title),
        json.dumps(exact, indent=2, sort_keys=True, allow_nan=False).encode("ascii") + b"\n",
    ]
    with AtomicFileSet(experiment.results, overwrite=True) as files:
        for file, content in zip(files, contents):
            file.write(content)


def _versions():
    """Versions of this program and of what its numbers come from."""
    return {
        "insightrec": importlib.metadata.version("insightrec"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _located(templates, location, file_ending):
    """The list as the devkit's script writes it again, with the paths of feature files; a packed store has none."""
    if not Path(location).is_dir():
        return templates
    return templates._replace(paths=[os.path.join(location, path + file_ending) for path in templates.paths])
