"""Verify models on packs of face pairs (LFW, CFP, AgeDB-30): accuracy by 10 folds, VAL, TAR@FAR, EER, ROC.

The flags and the first printed lines are those of InsightFace's ``verification.py``.
"""

import argparse
import functools
import itertools
from pathlib import Path

import numpy as np

from insightrec.deploy.embedder import BACKENDS, CHANNELS, IMAGE_SIZE
from insightrec.deploy.embedder_device import GPU_HELP, open_embedder
from insightrec.eval.bad_cases import bad_cases, page_files, write_bad_cases
from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.roc_curve import roc_curve
from insightrec.eval.roc_plot import ROC_PLOT, write_roc_plot
from insightrec.eval.verification_report import REPORT_CSV, REPORT_JSON, report_lines, write_report
from insightrec.eval.verification_result import verify
from insightrec.eval.verification_runs import find_named_models, verification_runs
from insightrec.eval.verification_targets import find_targets
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, number_between, tool, whole_number
from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.property_file import read_property

BAD_CASES_FOLDER, EMBEDDINGS_FOLDER = "badcases", "."  # where modes 1 and 2 write without --output


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="verification.py", description=__doc__)
    add = parser.add_argument
    add(
        "--data-dir",
        default="",
        help="folder with the packs, <target>.bin, and if there property and train.rec (default: the current folder)",
    )
    add(
        "--model",
        nargs="+",
        default=["../model/softmax,50"],
        help="'prefix,epoch', 'prefix,epoch|epoch', 'prefix' (all its epochs, newest first), a .onnx file, or "
        "'eigenfaces' (a baseline fitted to train.rec in --data-dir, else to the pack itself); several models are "
        "compared (default: ../model/softmax,50)",
    )
    add(
        "--target",
        default="lfw,cfp_ff,cfp_fp,agedb_30",
        help="packs, separated by commas: names of packs in --data-dir, skipped where absent, or paths of .bin files "
        "(default: lfw,cfp_ff,cfp_fp,agedb_30)",
    )
    add(
        "--mode",
        type=whole_number(0),
        default=0,
        help="0 prints the figures; 1 writes pages of the wrong pairs; 2 and above write the embeddings, one .npz for "
        "each model and target with embeddings, float32 (2P, D), normalized sums of both copies, and issame, bool (P,) "
        "(InsightFace's tool writes a pickle) (default: 0)",
    )
    add(
        "--nfolds",
        type=whole_number(1),
        default=10,
        help="folds of cross-validation, 1 trains and tests on all pairs (default: 10)",
    )
    add(
        "--pca",
        type=whole_number(0),
        default=0,
        help="components of a PCA fitted to each fold's training pairs, 0 none (default: 0)",
    )
    add("--max", default="", help="'a,b': of a bare prefix's epochs, if more than b, places a to b-1 (default: all)")
    add("--gpu", type=int, help=GPU_HELP)
    add("--batch-size", type=whole_number(1), default=32, help="images a forward pass (default: 32)")
    add("--threads", type=whole_number(1), help="threads of ONNX Runtime (default: its own choice, all cores)")
    add("--backend", choices=BACKENDS, default=BACKENDS[0], help=f"what runs the model (default: {BACKENDS[0]})")
    add(
        "--output",
        help="folder to write to: results.json, results.csv and roc.png in mode 0, pages in mode 1, embeddings in "
        "mode 2 (default: none in mode 0, ./badcases in mode 1, the current folder in mode 2)",
    )
    add("--overwrite", action="store_true", help="replace existing files (default: refuse)")
    add(
        "--image-size",
        type=image_size,
        help="height,width in pixels of the model's input (default: what a .onnx file declares, else that of property "
        "in --data-dir, else 112,112)",
    )
    add(
        "--output-layer",
        help="the model's output that is the embedding (default: fc1_output, or the first of a .onnx file)",
    )
    add("--color", choices=CHANNELS, default="rgb", help="channels of the model's input (default: rgb)")
    add("--mean", type=number_between(0, 255), default=0.0, help="subtracted from pixels of 0..255 (default: 0)")
    add(
        "--scale",
        type=number_between(1e-6, 1e6),
        default=1.0,
        help="then multiplied with (default: 1; e.g. 0.0078125 for 1/128)",
    )
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Evaluate, show wrong pairs or save embeddings, for every target and every model."""
    args = parse(argv)
    targets = find_targets(args.data_dir, args.target)
    models = find_named_models(args.model, args.max)
    open_model = functools.partial(
        open_embedder,
        output=args.output_layer,
        image_size=args.image_size,
        default_size=property_size(args.data_dir) or IMAGE_SIZE,
        color=args.color,
        mean=args.mean,
        scale=args.scale,
        backend=args.backend,
        threads=args.threads,
        gpu=args.gpu,
        batch_size=args.batch_size,
    )
    mode = {0: evaluate, 1: show_bad_cases}.get(args.mode, save_embeddings)
    nfolds = 1 if mode is save_embeddings else args.nfolds
    mode(args, verification_runs(targets, models, open_model, args.data_dir, nfolds))


def evaluate(args, runs):
    """Mode 0: print the figures of every model on every target, and write them to ``--output``."""
    folder = make_folder(args.output) if args.output else None
    if folder:
        refuse_existing([folder / name for name in (REPORT_JSON, REPORT_CSV, ROC_PLOT)], args.overwrite)
    entries, curves = [], {}
    for target, group in itertools.groupby(runs, key=lambda run: run.target):
        accuracies = []
        for run in group:
            print(f"[{target}]Model: {run.model} ({run.origin})", flush=True)
            result = verify(embed_pack(run.embedder, run.pack, run.source), args.nfolds, args.pca)
            print(*report_lines(target, result), sep="\n", flush=True)
            accuracies.append(result.flip.accuracy.mean)
            entries.append((run.facts, result))
            if result.flip.equal_error:
                curves.setdefault(target, {})[run.model] = roc_curve(result.flip.distance, run.pack.is_same)
            if folder and len(entries) == 1:  # an earlier run's curves do not stand beside this run's figures
                (folder / ROC_PLOT).unlink(missing_ok=True)
            if folder:  # after every model, so that a killed run keeps the figures it has
                write_report(folder, entries)
            if folder and curves:
                write_roc_plot(folder, curves)
        print(f"Max of [{target}] is {max(accuracies):.5f}", flush=True)
    if folder:
        print(f"wrote {', '.join([REPORT_JSON, REPORT_CSV] + [ROC_PLOT] * bool(curves))} to {folder}")


def show_bad_cases(args, runs):
    """Mode 1: write pages of the pairs that each model gets wrong at the thresholds of their folds."""
    folder = make_folder(args.output or BAD_CASES_FOLDER)
    for run in runs:
        refuse_existing(page_files(folder, run.name), args.overwrite)
        figures = verify(embed_pack(run.embedder, run.pack, run.source), args.nfolds, args.pca).flip
        accepts, rejects = bad_cases(figures.distance, run.pack.is_same, figures.accuracy.fold_threshold)
        cases = {"false_accepts": accepts, "false_rejects": rejects}
        written = write_bad_cases(folder, run.name, cases, run.pack, run.embedder.image_size, run.source)
        print(
            f"[{run.target}]{run.model}: {len(accepts)} false accepts and {len(rejects)} false rejects of "
            f"{len(run.pack.is_same)} pairs, {len(written)} pages in {folder}",
            flush=True,
        )


def save_embeddings(args, runs):
    """Mode 2: write the embeddings of every pack, as they enter the distances with flip."""
    folder = make_folder(args.output or EMBEDDINGS_FOLDER)
    for run in runs:
        path = folder / f"{run.name}.npz"
        refuse_existing([path], args.overwrite)
        embeddings = embed_pack(run.embedder, run.pack, run.source)
        with atomic_write(path, overwrite=args.overwrite) as file:
            np.savez(file, embeddings=embeddings.unit(flip=True).astype(np.float32), issame=embeddings.is_same)
        print(f"[{run.target}]{run.model}: embeddings in {path}", flush=True)


def make_folder(path):
    """``path`` as a folder to write to, made if absent: before hours of embedding, not after them."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: expected a folder to write to ({error.strerror}); change --output") from None
    return Path(path)


def property_size(folder):
    """(height, width) that ``property`` in ``folder`` gives; None without that file."""
    file = Path(folder) / "property"
    return tuple(read_property(file)[1:]) if file.is_file() else None


if __name__ == "__main__":
    main()
