"""Verify models on packs of face pairs (LFW, CFP, AgeDB-30): accuracy by 10 folds, VAL, TAR@FAR, EER, ROC.

The flags, their defaults and the first printed lines are those of InsightFace's ``verification.py``.
"""

import argparse
import functools
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import model_files
from insightrec.eval.bad_cases import bad_cases, write_bad_cases
from insightrec.eval.eigenfaces import fit_eigenfaces
from insightrec.eval.pack_embeddings import PackEmbeddings, embed_pack
from insightrec.eval.roc_curve import roc_curve
from insightrec.eval.roc_plot import ROC_PLOT, write_roc_plot
from insightrec.eval.verification_report import REPORT_CSV, REPORT_JSON, report_lines, sha256, write_report
from insightrec.eval.verification_result import verify
from insightrec.eval.verification_targets import find_targets
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, tool
from insightrec.recordio_tools.property_file import read_property
from insightrec.recordio_tools.verification_pack import VerificationPack, read_pack

EIGENFACES = "eigenfaces"
BAD_CASES_FOLDER, EMBEDDINGS_FOLDER = "badcases", "."  # where modes 1 and 2 write without --output


class Run(NamedTuple):
    """One model on one target; ``facts`` says what ran, as str."""

    target: str
    model: str
    pack: VerificationPack
    source: Path
    image_size: tuple
    embeddings: PackEmbeddings
    facts: dict


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="verification.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        help="packs, separated by commas: names in --data-dir, or paths of .bin files; a name that is absent is "
        "skipped (default: lfw,cfp_ff,cfp_fp,agedb_30)",
    )
    add(
        "--mode",
        type=int,
        default=0,
        help="0 prints the figures; 1 writes pages of the wrong pairs; 2 writes the embeddings, one .npz for each "
        "model and target with embeddings, float32 (2P, D), normalized sums of both copies, and issame, bool (P,) "
        "(InsightFace's tool writes a pickle) (default: 0)",
    )
    add("--nfolds", type=int, default=10, help="folds of cross-validation, 1 trains and tests on all pairs (default: 10)")
    add("--pca", type=int, default=0, help="components of a PCA fitted to each fold's training pairs, 0 none (default: 0)")
    add("--max", default="", help="'a,b': of the epochs of a bare prefix, newest first, take a to b-1 (default: all)")
    add("--gpu", type=int, default=-1, help="index of the GPU, -1 the CPU (default: -1; InsightFace's is 0)")
    add("--batch-size", type=int, default=32, help="images a forward pass (default: 32)")
    add("--threads", type=int, help="threads of ONNX Runtime (default: its own choice, all cores)")
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
        help="height,width in pixels of the model's input (default: of property in --data-dir, else the model's own)",
    )
    add("--output-layer", help="the model's output that is the embedding (default: fc1_output or the only one)")
    add("--color", choices=COLORS, default=COLORS[0], help=f"channels of the model's input (default: {COLORS[0]})")
    add("--mean", type=float, default=0.0, help="subtracted from pixels of 0..255 (default: 0)")
    add("--scale", type=float, default=1.0, help="then multiplied with (default: 1; e.g. 0.0078125 for 1/128)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Run the tool; see ``--help``."""
    args = parse(argv)
    targets = find_targets(args.data_dir, args.target)
    models = [name for model in args.model for name in _model_names(model, args.max)]
    {0: _evaluate, 1: _show_bad_cases}.get(args.mode, _save_embeddings)(args, targets, models)


def _evaluate(args, targets, models):
    folder = Path(args.output) if args.output else None
    if folder:
        refuse_existing([folder / name for name in (REPORT_JSON, REPORT_CSV, ROC_PLOT)], args.overwrite)
    entries, curves, accuracies = [], {}, []
    for run in _runs(args, targets, models):
        result = verify(run.embeddings, args.nfolds, args.pca)
        print(*report_lines(run.target, result), sep="\n", flush=True)
        accuracies.append(result.flip.accuracy.mean)
        if run.model == models[-1]:
            print(f"Max of [{run.target}] is {max(accuracies):.5f}", flush=True)
            accuracies.clear()
        if result.flip.equal_error:
            curve = roc_curve(result.flip.distance, run.pack.is_same)
            curves.setdefault(run.target, {})[run.model] = curve
        entries.append((run.facts, result))
        if folder:  # after every model, so that a killed run keeps the figures it has
            write_report(folder, entries)
            write_roc_plot(folder, curves)


def _show_bad_cases(args, targets, models):
    folder = Path(args.output or BAD_CASES_FOLDER)
    for run in _runs(args, targets, models):
        figures = verify(run.embeddings, args.nfolds, args.pca).flip
        accepts, rejects = bad_cases(figures.distance, run.pack.is_same, figures.accuracy.fold_threshold)
        for kind, cases in (("false_accepts", accepts), ("false_rejects", rejects)):
            name = f"{_stem(run.target, run.model)}__{kind}"
            pages = write_bad_cases(
                folder, name, cases, run.pack, run.image_size, run.source, overwrite=args.overwrite
            )
            print(f"[{run.target}]{kind.replace('_', ' ')}: {len(cases)} of {len(run.pack.is_same)} pairs")
            print(f"[{run.target}]pages: {pages}, {folder / name}-*.png", flush=True)


def _save_embeddings(args, targets, models):
    folder = Path(args.output or EMBEDDINGS_FOLDER)
    files = {(target, model): folder / f"{_stem(target, model)}.npz" for target in targets for model in models}
    refuse_existing(files.values(), args.overwrite)
    for run in _runs(args, targets, models):
        path = files[run.target, run.model]
        with atomic_write(path, overwrite=args.overwrite) as file:
            np.savez(file, embeddings=run.embeddings.unit(flip=True).astype(np.float32), issame=run.pack.is_same)
        print(f"[{run.target}]embeddings: {path}")


def _runs(args, targets, models):
    """Yield a `Run` for each target and, within it, each model: the order of InsightFace's tool."""
    packs = {target: read_pack(path) for target, path in targets.items()}  # a damaged one is an error at once
    load = functools.lru_cache(maxsize=1)(functools.partial(_load, args))
    for target, source in targets.items():
        pack_sha256 = sha256(source)
        for model in models:
            print(f"[{target}]Model: {model}", flush=True)
            if model == EIGENFACES:
                embedder, origin = fit_eigenfaces(args.data_dir, packs[target], source)
                print(f"[{target}]eigenfaces are fitted to {origin}", flush=True)
            else:
                embedder, origin = load(model)
            facts = {"target": target, "model": model, "model_from": origin, "pack_sha256": pack_sha256}
            embeddings = embed_pack(embedder, packs[target], source)
            yield Run(target, model, packs[target], source, embedder.image_size, embeddings, facts)


def _load(args, model):
    """(`Embedder`, str that names its files and their SHA-256)."""
    embedder = Embedder(
        model,
        output=args.output_layer,
        image_size=_image_size(args),
        color=args.color,
        mean=args.mean,
        scale=args.scale,
        backend=args.backend,
        threads=args.threads,
        gpu=args.gpu,
        batch_size=args.batch_size,
    )
    return embedder, ", ".join(f"{path} sha256 {sha256(path)}" for path in model_files(model))


def _image_size(args):
    """(H, W) of --image-size, else of the data set's ``property``, else None: the model's own."""
    if args.image_size:
        return args.image_size
    file = Path(args.data_dir) / "property"
    if not file.is_file():
        return None
    found = read_property(file)
    return found.height, found.width


def _model_names(model, newest):
    return [model] if model == EIGENFACES else list_models(model, newest)


def _stem(target, model):
    """Begins a run's file names: the target, and the model's file with its folder."""
    return f"{target}__" + re.sub(r"[^\w.-]+", "_", "/".join(Path(model).parts[-2:])).lstrip("._")


if __name__ == "__main__":
    main()
