"""Image lists (``.lst``), tab-separated, one image a line, as InsightFace's face2rec2 reads them::

    aligned path label
    aligned path label x1 y1 x2 y2
    aligned path label x1 y1 x2 y2 lx1..lx5 ly1..ly5

``aligned`` is 1 for a face that is cropped already, else 0; the box is in pixels; the landmarks are
all five x, then all five y: left eye, right eye, nose, left and right mouth corner. MXNet's im2rec
has lists of the same ending but other columns, ``index label path``; those are recognised.
"""

import math
import os
from typing import NamedTuple, Optional

import numpy as np

from insightrec.recordio_tools.errors import ListError

_COLUMNS = (3, 7, 17)
_MAX_LABEL = 1 << 31
_LINE_BREAKS = set("\t\r\n")


class ListRow(NamedTuple):
    """One line: ``box`` is float64 (4,) or None, ``landmarks`` float64 (5, 2) as (x, y) or None."""

    aligned: bool
    path: str
    label: int
    box: Optional[np.ndarray] = None
    landmarks: Optional[np.ndarray] = None
    line: int = 0


class FaceList(NamedTuple):
    """A list that was read: its rows, and whether it had im2rec's columns."""

    rows: list
    from_im2rec: bool


def format_row(path, label):
    """The line of an aligned image, as bytes.

    Raises:
        ListError: as `check_path`.
    """
    check_path(path)
    return os.fsencode(f"1\t{path}\t{label}\n")


def format_photo_row(path, label, box, landmarks):
    """The line of a photo that is not aligned, 17 columns, as bytes; every number comes back bit for bit.

    Args:
        box: (4,), x1, y1, x2, y2.
        landmarks: (5, 2), (x, y) in pixels of the photo.

    Raises:
        ListError: as `check_path`.
    """
    check_path(path)
    numbers = np.concatenate([np.asarray(box, np.float64), np.asarray(landmarks, np.float64).T.ravel()])
    return os.fsencode("\t".join(["0", path, str(label), *map(repr, numbers.tolist())]) + "\n")


def check_path(path):
    """Raise `ListError` if the path holds a tab or a line break, which the format cannot carry."""
    if not _LINE_BREAKS.isdisjoint(path):
        raise ListError(f"{path!r}: a path with a tab or line break cannot stand in an image list; rename the file")


def read_list(path):
    """Read a ``.lst``; returns `FaceList`.

    Raises:
        ListError: a line has other columns, with its number; the list is empty.
    """
    rows, dialects = [], set()
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, 1):
                fields = line.rstrip("\r\n").split("\t")
                if fields == [""]:
                    continue
                is_im2rec = _is_im2rec(fields)
                dialects.add(is_im2rec)
                if len(dialects) > 1:
                    raise ValueError("the same columns as the lines before (aligned path label, or im2rec's)")
                rows.append(_im2rec_row(fields, number) if is_im2rec else _row(fields, number))
    except FileNotFoundError:
        raise ListError(f"{path}: expected an image list, found no such file; check the path") from None
    except ValueError as expected:
        raise ListError(f"{path}: line {number}: expected {expected}, found {line.rstrip()[:80]!r}") from None
    if not rows:
        raise ListError(f"{path}: expected image lines 'aligned<TAB>path<TAB>label', found none")
    return FaceList(rows, dialects == {True})


def _is_im2rec(fields):
    """``index label path``: the second column is a number and the third is not."""
    return len(fields) == 3 and _is_number(fields[1]) and not _is_number(fields[2])


def _im2rec_row(fields, number):
    return ListRow(True, _path(fields[2]), _label(fields[1]), line=number)


def _row(fields, number):
    if len(fields) not in _COLUMNS:
        raise ValueError(f"3, 7 or 17 tab-separated columns, got {len(fields)}")
    if fields[0] not in ("0", "1"):
        raise ValueError("0 or 1 (aligned) in the first column")
    box = _numbers(fields[3:7]) if len(fields) >= 7 else None
    landmarks = _numbers(fields[7:17]).reshape(2, 5).T if len(fields) == 17 else None
    return ListRow(fields[0] == "1", _path(fields[1]), _label(fields[2]), box, landmarks, number)


def _path(text):
    if not text or "\0" in text:
        raise ValueError("a path")
    return text


def _label(text):
    if not _is_number(text) or not float(text).is_integer() or not -_MAX_LABEL < float(text) < _MAX_LABEL:
        raise ValueError(f"a whole number as label, got {text[:20]!r}")
    return int(float(text))


def _numbers(fields):
    if not all(map(_is_number, fields)):
        raise ValueError("numbers in the columns after the label")
    return np.array(fields, np.float64)


def _is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
