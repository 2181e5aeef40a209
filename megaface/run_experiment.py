"""MegaFace's identification and verification experiment: the devkit's result files, and exact figures beside them.

The flags are those of the devkit's ``run_experiment.py``.
"""

import argparse
import functools
import json
from pathlib import Path

from insightrec.megaface.distractor_count import BLOCK
from insightrec.megaface.distractor_lists import DEFAULT_SIZES, LIST_NAME, base_path, find_lists
from insightrec.megaface.experiment import (
    MODES,
    count,
    finished_figures,
    is_finished,
    open_counts,
    open_experiment,
    open_probes,
    probes_without_mate,
    write_located_list,
    write_results,
)
from insightrec.megaface.experiment_files import clear_unfinished, refuse_existing, write_matrices
from insightrec.megaface.experiment_names import ExperimentNames, algorithm_name, first_word
from insightrec.megaface.experiment_summary import summary_csv, summary_lines, summary_row
from insightrec.megaface.failed_probes import failed_page
from insightrec.megaface.file_ending import ending
from insightrec.megaface.image_folder import picture_in
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.ray_engine import RayEngine
from insightrec.megaface.scoring_model import check_identity
from insightrec.megaface.thread_engine import ThreadEngine
from insightrec.megaface.torch_product import DEVICES, matrix_product
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import ListError

PROBE_LIST, LISTS = "../templatelists/facescrub_features_list.json", "../templatelists"
ENGINES = {"local": ThreadEngine, "ray": RayEngine}


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="run_experiment.py",
        description=f"{__doc__} Into OUT_ROOT, for each size and set: cmc_*.json and matches_*.json, byte for byte the "
        "devkit's; exact_*.json, the same figures without its steps of one per cent and with counts; curves_*.png; and "
        "results_*.csv, all sizes finished there. OUT_ROOT/otherFiles has the lists with the features' paths, what "
        "--resume needs and, where asked for, the score matrices.",
    )
    add = parser.add_argument
    features = "folder of feature files, or a packed store (its path without .npy)"
    add("distractor_feature_path", help=f"the distractors' features: {features}")
    add("probe_feature_path", help=f"the probes' features: {features}")
    add(
        "file_ending",
        type=ending,
        help="what feature files have after the image's path, such as _insightface.bin; up to the first dot it names "
        "the results, of a packed store too",
    )
    add("out_root", help="folder to write to")
    add(
        "-s",
        "--sizes",
        type=whole_number(1),
        nargs="+",
        help="sizes of the distractor lists; each list must be there, and of a longer one the first so many count "
        f"(default: those of {' '.join(map(str, DEFAULT_SIZES))} whose list is there)",
    )
    add(
        "-m",
        "--model",
        help="the devkit's scoring model; only jb_identity.bin, negative squared L2, is supported (default: that)",
    )
    add("-ns", "--num-sets", "--num_sets", type=whole_number(1), default=1, help="sets of each size (default: 1)")
    add("-p", "--probe-list", "--probe_list", default=PROBE_LIST, help=f"the probes' list (default: {PROBE_LIST})")
    add(
        "-dlp",
        "--distractor-list-path",
        "--distractor_list_path",
        default=LISTS,
        help=f"folder of the lists {LIST_NAME}_SIZE_SET, or such a path without _SIZE_SET (default: {LISTS})",
    )
    add(
        "--score-matrices",
        action="store_true",
        help="write the devkit's score matrices too, to the bit: 4 bytes for each probe and distractor, 14 GB for "
        "FaceScrub and a million (default: no)",
    )
    add(
        "-d",
        "--delete-matrices",
        "--delete_matrices",
        action="store_true",
        help="with --score-matrices: only that of probes and probes, which is what the devkit leaves (default: both)",
    )
    add(
        "--mode",
        choices=MODES,
        default=MODES[0],
        help="exact: where rounding could change a comparison the scores are computed in the devkit's own order; fast: "
        "they are not, and here and there a rank is off by one, or, among copies of an image, by as many as there are "
        "(default: exact)",
    )
    add("--block", type=whole_number(1), default=BLOCK, help=f"distractors read together (default: {BLOCK})")
    add(
        "--workers",
        type=whole_number(1),
        default=1,
        help="blocks counted at a time, by threads or Ray tasks; each takes some 100 MB. One worker leaves the cores "
        "to NumPy's matrix products (default: 1)",
    )
    add(
        "--engine",
        choices=list(ENGINES),
        default="local",
        help="local: threads; ray: tasks of the Ray cluster that RAY_ADDRESS names, else of one started here; its "
        "machines must see the same feature paths (default: local)",
    )
    add(
        "--device",
        choices=DEVICES,
        default=DEVICES[0],
        help="what multiplies matrices: cuda is a GPU, by PyTorch, in full float32; all else, and all that decides, "
        "stays on the processor (default: cpu)",
    )
    report = parser.add_argument_group("page of the failed probes")
    report.add_argument(
        "--report", action="store_true", help="write failed_*.html, probes that distractors beat (default: no)"
    )
    report.add_argument("--probe-images", help="folder of the probes' images, which --report needs")
    report.add_argument("--distractor-images", help="folder of the distractors' images, which --report needs")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="keep the sizes that an earlier run has finished, go on with the one it was counting; the score matrix of "
        "a size that was not finished begins anew (default: refuse)",
    )
    again.add_argument(
        "--overwrite",
        action="store_true",
        help="remove all files of these sizes and sets that are there, once all input is checked (default: refuse)",
    )
    args = parser.parse_args(argv)
    if args.engine == "ray" and args.device == "cuda":
        parser.error("--device cuda works in this process: use --engine local")
    if args.report and not (args.probe_images and args.distractor_images):
        parser.error("--report needs --probe-images and --distractor-images")
    return args


@tool
def main(argv=None):
    """Run the experiment for all sizes and sets, and print a table."""
    args = parse(argv)
    if args.model:
        check_identity(args.model)
    if args.report:
        check_image_folders(args)
    product = matrix_product(args.device)
    engine = ENGINES[args.engine](args.workers)
    lists, absent = find_all_lists(args)
    if absent:
        print(f"Left out, as there is no list: {', '.join(map(str, absent))} distractors")
    names = names_of(args, lists)
    if not (args.resume or args.overwrite):
        refuse_existing(names, args.score_matrices)
    probes, experiments = open_all(args, names, lists)
    finished = [args.resume and is_finished(experiment) for experiment in experiments]
    probe_set = ProbeSet(probes.values, probes.templates.ids, product=product, exact=args.mode == "exact")
    for experiment, done in zip(experiments, finished):
        if args.resume and not done:  # an error comes before anything is written
            open_counts(experiment, probe_set, args.resume)
    print(f"Loaded {len(probe_set)} probes spanning {len(probe_set.subjects)} classes")
    print(f"{len(probe_set.first)} pairs; {probes_without_mate(probe_set)} probes without a mate", flush=True)
    rows = []
    with engine:
        clear_unfinished(experiments, finished, args.overwrite)
        write_lists(args, probes, experiments)
        if args.score_matrices:
            write_matrices(probe_set, experiments, finished, of_distractors=not args.delete_matrices)
        for experiment, done in zip(experiments, finished):
            if not done:
                counts = open_counts(experiment, probe_set, args.resume)
                count(experiment, probe_set, engine, counts, product=product, block=args.block)
                write_results(experiment, probe_set, counts)
            experiment.names.checkpoint.unlink(missing_ok=True)
            rows.append(summary_row(json.loads(experiment.names.result("exact").read_bytes())))
            kept = " (finished before)" if done else ""
            print(f"{experiment.names.title}{kept}\nRank 1: {rows[-1]['rank_1']:f}", flush=True)
            if args.report:
                write_report(args, experiment, probes)
    write_summary(names[0], probes)
    print(*summary_lines(rows), sep="\n")
    print(f"wrote {len(rows)} experiments to {args.out_root}")


def check_image_folders(args):
    """Raise `ListError` where a folder of images for the report is absent."""
    for flag, folder in (("--probe-images", args.probe_images), ("--distractor-images", args.distractor_images)):
        if not Path(folder).is_dir():
            raise ListError(f"{folder}: expected a folder of images for the report, found none; check {flag}")


def find_all_lists(args):
    """`find_lists`, with what to give where the devkit's folder, which is the default, is absent."""
    for flag, path, default in (("-p", args.probe_list, PROBE_LIST), ("-dlp", args.distractor_list_path, LISTS)):
        if path == default and not Path(path).exists():
            raise ListError(f"{path}: expected the devkit's lists here, as by default, found none; give {flag}")
    return find_lists(args.distractor_list_path, args.sizes, args.num_sets)


def names_of(args, lists):
    """`ExperimentNames` of each of the lists, a dict (size, set) -> path."""
    probe, distractor = first_word(args.probe_list), first_word(base_path(args.distractor_list_path))
    algorithm = algorithm_name(args.file_ending)
    return [ExperimentNames(Path(args.out_root), probe, distractor, algorithm, *key) for key in lists]


def open_all(args, names, lists):
    """`Probes`, and for each name its `Experiment`: all features are looked for before any is counted."""
    probes = open_probes(args.probe_list, args.probe_feature_path, args.file_ending)
    say_repeats(args.probe_list, probes.facts)
    experiments = []
    for each, path in zip(names, lists.values()):
        experiment = open_experiment(each, path, args.distractor_feature_path, args.file_ending, probes, args.mode)
        if experiment.distractors < each.size:
            print(f"{path}: has {experiment.distractors} images, all of which count")
        say_repeats(path, experiment.facts["distractor_list"])
        experiments.append(experiment)
    return probes, experiments


def say_repeats(path, facts):
    """Print how many images a list has more than once, if it has."""
    if facts["listed_again"]:
        print(f"{path}: {facts['listed_again']} images stand in the list more than once, and count each time")


def write_lists(args, probes, experiments):
    """Write the lists with the features' paths, as the devkit's script does."""
    write_located_list(experiments[0].names.probe_list, probes.templates, args.probe_feature_path, args.file_ending)
    for experiment in experiments:
        path = experiment.names.distractor_list
        write_located_list(path, experiment.templates, args.distractor_feature_path, args.file_ending)


def write_summary(names, probes):
    """Write the CSV of all sizes that are finished in the folder, and say how many it leaves out."""
    figures, others = finished_figures(names, probes.mark)
    if others:
        print(f"{names.summary}: left out {others} earlier results, of other probes or damaged")
    with atomic_write(names.summary, overwrite=True) as file:
        file.write(summary_csv([summary_row(exact) for exact in figures]))


def write_report(args, experiment, probes):
    """Write the page of the failed probes."""
    names = experiment.names
    page = failed_page(
        json.loads(names.result("matches").read_bytes()),
        probes.templates.paths,
        experiment.source.paths,
        f"Failed probes: {names.title}",
        functools.partial(picture_in, args.probe_images),
        functools.partial(picture_in, args.distractor_images),
    )
    with atomic_write(names.page, overwrite=True) as file:
        file.write(page)


if __name__ == "__main__":
    main()
