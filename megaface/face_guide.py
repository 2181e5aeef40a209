"""Where a data set says that a face is: a box, three landmarks, or neither, checked."""

import math
from typing import NamedTuple, Optional

import numpy as np

MAX_COORDINATE = 1 << 20  # pixels, from the photo's corner either way; no photo is that large


class FaceGuide(NamedTuple):
    """What is known of the one face that a photo is meant to show, in pixels of the photo.

    box: float64 (4,): x1, y1, x2, y2, inclusive, or None.
    landmarks: float64 (3, 2): (x, y) of left eye, right eye and nose, as seen, or None.
    fault: what cannot be used of the data set's file, naming it; "" where nothing is wrong.
    """

    box: Optional[np.ndarray] = None
    landmarks: Optional[np.ndarray] = None
    fault: str = ""


def to_box(x1, y1, x2, y2):
    """A box of four numbers, float64 (4,).

    Raises:
        ValueError: says what was expected; they are no numbers of a photo, or no box.
    """
    box = np.array([_coordinate(value) for value in (x1, y1, x2, y2)])
    if not (box[2:] >= box[:2]).all():
        raise ValueError("a box of 1 pixel or more")
    return box


def to_points(pairs):
    """Points (x, y), float64 (n, 2), of as many pairs of numbers.

    Raises:
        ValueError: says what was expected; they are no numbers of a photo.
    """
    return np.array([[_coordinate(value) for value in pair] for pair in pairs])


def _coordinate(value):
    """A number, or the text of one, as float."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= MAX_COORDINATE:  # nor NaN
        raise ValueError(f"numbers of pixels, at most {MAX_COORDINATE}")
    return number
