"""What became of each photo of an alignment run: a row of the table ``alignment.csv``."""

import csv
import io
import math
from typing import NamedTuple

import numpy as np

TABLE = "alignment.csv"
_BOX = ("x1", "y1", "x2", "y2")
_LANDMARKS = tuple(f"l{axis}{point}" for axis in "xy" for point in range(1, 6))  # all x, then all y, as in a .lst
COLUMNS = ("path", "label", "how", "score", *_BOX, *_LANDMARKS, "fault")
_NUMBERS = slice(COLUMNS.index("score"), COLUMNS.index("fault"))


class AlignedPhoto(NamedTuple):
    """One row.

    path: of the crop, relative to the output folder. label: number of the person's folder.
    how: one of `guided_alignment.HOW`, or "" where there is no crop.
    numbers: 15 texts: score, box and landmarks of `GuidedFace` in pixels of the photo, "" where there are none.
    fault: what could not be used, naming the file; "" where nothing was wrong.
    """

    path: str
    label: int
    how: str
    numbers: tuple
    fault: str


def describe(photo, face=None, fault=""):
    """The `AlignedPhoto` of a `ProtocolPhoto` and its `GuidedFace`, None where there is no crop."""
    fault = " ".join(fault.split())
    if face is None:
        return AlignedPhoto(photo.target, photo.label, "", ("",) * (_NUMBERS.stop - _NUMBERS.start), fault)
    numbers = np.concatenate([[face.score], face.box, face.landmarks.T.ravel()]).tolist()
    texts = tuple("" if math.isnan(number) else repr(number) for number in numbers)
    return AlignedPhoto(photo.target, photo.label, face.how, texts, fault)


def header():
    """The first line of the table, as bytes."""
    return _line(COLUMNS)


def format_row(row):
    """The line of an `AlignedPhoto`, as bytes; every number comes back bit for bit."""
    return _line((row.path, row.label, row.how, *row.numbers, row.fault))


def parse_row(line):
    """The `AlignedPhoto` of a line of the table, bytes with the line break.

    Raises:
        ValueError: it is none, or not whole.
    """
    if not line.endswith(b"\n"):
        raise ValueError("cut off")
    try:
        (fields,) = csv.reader([line.decode("utf-8", "surrogateescape")], strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} columns")
    path, label, how, *_, fault = fields
    return AlignedPhoto(path, int(label), how, tuple(fields[_NUMBERS]), fault)


def _line(fields):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue().encode("utf-8", "surrogateescape")
