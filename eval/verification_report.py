"""Verification figures as printed lines, JSON and CSV."""

import csv
import io
import json
import platform
import sys
from dataclasses import asdict

from insightrec.recordio_tools.atomic_file import atomic_write

REPORT_JSON, REPORT_CSV = "results.json", "results.csv"
LIBRARIES = ("numpy", "cv2", "sklearn", "onnxruntime", "mxnet")


def report_lines(target, result):
    """Lines to print for a `VerificationResult`: the three of InsightFace's tool first, in its own form."""
    flip, no_flip = result.flip, result.no_flip
    lines = [
        f"XNorm: {result.xnorm:f}",
        f"Accuracy: {no_flip.accuracy.mean:.5f}+-{no_flip.accuracy.std:.5f}",
        f"Accuracy-Flip: {flip.accuracy.mean:.5f}+-{flip.accuracy.std:.5f}",
        "95% interval of Accuracy-Flip: {:.5f} to {:.5f} ({} of {} pairs right)".format(
            *flip.accuracy.interval, flip.accuracy.correct, flip.accuracy.pairs
        ),
        _validation_line(flip.validation),
    ]
    if flip.tar_at_far:
        lines.append(_tar_line(flip.tar_at_far))
        lines.append(f"EER: {flip.equal_error.rate:.5f}")
    else:
        lines.append(f"TAR@FAR, EER: not defined, {result.same} of {result.pairs} pairs are of one person")
    return [f"[{target}]{line}" for line in lines]


def to_json(result):
    """A `VerificationResult` as a dict of JSON types; undefined rates are None. Pair distances are left out."""
    figures = asdict(result)
    for distances in (figures["flip"], figures["no_flip"]):
        del distances["distance"]
    return figures


def csv_row(result):
    """The main figures of a `VerificationResult` as a flat dict; undefined rates are None."""
    flip, no_flip = result.flip, result.no_flip
    points = flip.tar_at_far
    return {
        "pairs": result.pairs,
        "same": result.same,
        "distinct_images": result.distinct_images,
        "nfolds": result.nfolds,
        "pca": result.pca,
        "xnorm": result.xnorm,
        "accuracy": no_flip.accuracy.mean,
        "accuracy_std": no_flip.accuracy.std,
        "accuracy_flip": flip.accuracy.mean,
        "accuracy_flip_std": flip.accuracy.std,
        "accuracy_flip_low": flip.accuracy.interval[0],
        "accuracy_flip_high": flip.accuracy.interval[1],
        "val_at_far_1e-3": flip.validation.mean,
        "val_std": flip.validation.std,
        "val_far": flip.validation.far,
        **{f"tar_at_far_1e-{digit}": points[digit - 1].tar if points else None for digit in range(1, 6)},
        "eer": flip.equal_error.rate if flip.equal_error else None,
    }


def write_report(folder, entries):
    """Write ``results.json`` and ``results.csv`` into ``folder``, replacing those there.

    Args:
        entries: list of (dict of str that says what ran: target, model, hashes; `VerificationResult`).
    """
    document = {"versions": versions(), "results": [{**what, **to_json(result)} for what, result in entries]}
    with atomic_write(folder / REPORT_JSON, overwrite=True) as file:
        file.write(json.dumps(document, indent=1, allow_nan=False).encode() + b"\n")
    rows = [{**what, **csv_row(result)} for what, result in entries]
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(folder / REPORT_CSV, overwrite=True) as file:
        file.write(table.getvalue().encode("utf-8", "surrogateescape"))  # a path's own bytes, UTF-8 or not


def versions():
    """Versions of Python and of the libraries in use, by import name."""
    loaded = {name: sys.modules[name].__version__ for name in LIBRARIES if name in sys.modules}
    return {"python": platform.python_version(), **loaded}


def _validation_line(validation):
    name = f"VAL@FAR={_short(validation.far_target)}"
    if validation.mean is None:
        return f"{name}: not defined, no fold has both negatives to train on and positives to test"
    far = "" if validation.far is None else f", FAR {validation.far:.5f}"
    undefined = validation.undefined_folds
    note = f" (undefined in folds {', '.join(map(str, undefined))})" if undefined else ""
    return f"{name}: {validation.mean:.5f}+-{validation.std:.5f}{far}{note}"


def _tar_line(points):
    """Only what so many negatives resolve, and the rate without any false accept for what they do not."""
    parts = [
        f"{point.tar:.5f} at {_short(point.far_target)} ({point.false_accepts}/{point.negatives})"
        for point in points
        if point.resolvable
    ]
    finer = [point for point in points if not point.resolvable]
    if finer:
        targets = ", ".join(_short(point.far_target) for point in finer)
        parts.append(f"{finer[0].tar:.5f} at 0/{finer[0].negatives} (too few negatives for {targets})")
    return f"TAR@FAR: {', '.join(parts)}"


def _short(far):
    return f"{far:.0e}".replace("e-0", "e-")
