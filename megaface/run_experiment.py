"""MegaFace's identification and verification experiment: the devkit's result files, and exact figures beside them.

The flags are those of the devkit's ``run_experiment.py``.
"""

import argparse
import functools
import json
from pathlib import Path

from insightrec.megaface.best_matches import in_blocks
from insightrec.megaface.distractor_count import BLOCK
from insightrec.megaface.distractor_lists import DEFAULT_SIZES, LIST_NAME, base_path, find_lists
from insightrec.megaface.experiment import (
    MODES,
    count,
    is_finished,
    open_experiment,
    open_probes,
    read_exact,
    write_results,
)
from insightrec.megaface.experiment_names import ExperimentNames, algorithm_name, first_word
from insightrec.megaface.experiment_summary import summary_csv, summary_lines, summary_row
from insightrec.megaface.failed_probes import failed_page
from insightrec.megaface.image_folder import picture_in
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.ray_engine import RayEngine
from insightrec.megaface.score_matrix_file import write_score_matrix
from insightrec.megaface.scoring_model import check_identity
from insightrec.megaface.thread_engine import ThreadEngine
from insightrec.megaface.torch_product import DEVICES, matrix_product
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import OutputError

PROBE_LIST, LISTS = "../templatelists/facescrub_features_list.json", "../templatelists"
ENGINES = {"local": ThreadEngine, "ray": RayEngine}


def ending(text):
    """argparse type of the ending of feature files, whose first part becomes a part of names."""
    if "/" in text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected the ending of a file's name, found {text!r}")
    return text


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="run_experiment.py",
        description=f"{__doc__} Into OUT_ROOT, for each size and set: cmc_*.json and matches_*.json, byte for byte the "
        "devkit's; exact_*.json, the same figures without its steps of one per cent and with counts; curves_*.png; and "
        "results_*.csv, the sizes of this run. OUT_ROOT/otherFiles has the lists with the features' paths and, where "
        "asked for, the score matrices.",
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
        "they are not, and here and there a rank may be off by one (default: exact)",
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
        help="keep the sizes that an earlier run has finished, go on with the one it was counting (default: refuse)",
    )
    again.add_argument("--overwrite", action="store_true", help="replace results that are there (default: refuse)")
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
    product = matrix_product(args.device)
    engine = ENGINES[args.engine](args.workers)
    lists, absent = find_lists(args.distractor_list_path, args.sizes, args.num_sets)
    if absent:
        print(f"Left out, as there is no list: {', '.join(map(str, absent))} distractors")
    names = names_of(args, lists)
    if not (args.resume or args.overwrite):
        refuse_results(names, args)
    probes, experiments = open_all(args, names, lists)
    finished = [args.resume and is_finished(experiment) for experiment in experiments]
    probe_set = ProbeSet(probes.values, probes.templates.ids, product=product, exact=args.mode == "exact")
    print(f"Loaded {len(probe_set)} probes spanning {len(probe_set.subjects)} classes", flush=True)
    if args.score_matrices:
        write_matrices(args, probe_set, experiments, finished)
    rows = []
    with engine:
        for experiment, done in zip(experiments, finished):
            if not done:
                counts = count(experiment, probe_set, engine, product=product, block=args.block, resume=args.resume)
                write_results(experiment, probe_set, counts)
            experiment.names.checkpoint.unlink(missing_ok=True)
            rows.append(summary_row(read_exact(experiment.names)))
            kept = " (finished before)" if done else ""
            print(f"{experiment.names.title}{kept}\nRank 1: {rows[-1]['rank_1']:f}", flush=True)
            if args.report:
                write_report(args, experiment, probes)
    with atomic_write(names[0].summary, overwrite=True) as file:
        file.write(summary_csv(rows))
    print(*summary_lines(rows), sep="\n")
    print(f"wrote {len(rows)} experiments to {args.out_root}")


def names_of(args, lists):
    """`ExperimentNames` of each of the lists, a dict (size, set) -> path."""
    probe, distractor = first_word(args.probe_list), first_word(base_path(args.distractor_list_path))
    algorithm = algorithm_name(args.file_ending)
    return [ExperimentNames(Path(args.out_root), probe, distractor, algorithm, *key) for key in lists]


def refuse_results(names, args):
    """Raise `OutputError` where an earlier run has written something that this one would write."""
    kinds = [("cmc", "json"), ("matches", "json"), ("exact", "json"), ("curves", "png")]
    kinds += [("failed", "html")] * args.report
    paths = [each.result(*kind) for each in names for kind in kinds] + [each.checkpoint for each in names]
    if args.score_matrices:
        paths += [names[0].probe_scores, *(each.distractor_scores for each in names if not args.delete_matrices)]
    existing = [str(path) for path in paths if path.exists()]
    if existing:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise OutputError(
            f"{existing[0]}{more}: exists already; give --resume to go on, --overwrite or another out_root"
        )


def open_all(args, names, lists):
    """`Probes`, and for each name its `Experiment`: all features are looked for before any is counted."""
    probes = open_probes(args.probe_list, args.probe_feature_path, args.file_ending, names[0].probe_list)
    experiments = []
    for each, path in zip(names, lists.values()):
        experiment = open_experiment(each, path, args.distractor_feature_path, args.file_ending, probes, args.mode)
        if experiment.distractors < each.size:
            print(f"{path}: has {experiment.distractors} images, all of which count")
        experiments.append(experiment)
    return probes, experiments


def write_matrices(args, probe_set, experiments, finished):
    """Write the score matrices, those of experiments that were finished before only where they are missing."""
    features = probe_set.scorable.features
    write_score_matrix(experiments[0].names.probe_scores, features, len(probe_set), [features.values])
    for experiment, done in zip(experiments, finished):
        path = experiment.names.distractor_scores
        if not args.delete_matrices and not (done and path.exists()):
            write_score_matrix(path, features, len(experiment.source), in_blocks(experiment.source))


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
    with atomic_write(names.result("failed", "html"), overwrite=True) as file:
        file.write(page)


if __name__ == "__main__":
    main()
