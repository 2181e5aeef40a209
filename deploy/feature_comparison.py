"""Two features of unit length: how far apart, and whether that is one person."""

from typing import NamedTuple

import numpy as np

from insightrec.recordio_tools.errors import InputError

THRESHOLD = 1.24  # InsightFace's, for its first models
TOLERANCE = 1e-3  # of a length of 1; features stored as float16 stay below half of it


class Comparison(NamedTuple):
    """What `compare_features` finds."""

    distance: float  # squared L2, 0..4
    cosine: float  # 1 - distance / 2
    is_same: bool  # taken for one person


def compare_features(first, second, threshold=THRESHOLD):
    """One person if the squared L2 distance is below ``threshold``, as verification accepts a pair.

    Args:
        first, second: (D,), of unit length.
        threshold: 0..4; between unit vectors the same as a cosine above ``1 - threshold / 2``.

    Returns:
        `Comparison`.

    Raises:
        InputError: features of other shapes, not finite or not of unit length, or a threshold out of range.
    """
    if not 0 <= threshold <= 4:
        raise InputError(f"threshold: expected a squared distance, 0 to 4, found {threshold}")
    first, second = _unit_vector(first, "first"), _unit_vector(second, "second")
    if len(first) != len(second):
        raise InputError(
            f"features: expected two of as many numbers, found {len(first)} and {len(second)}; are they of one model?"
        )
    difference = first - second
    distance = float(difference @ difference)
    return Comparison(distance, 1 - distance / 2, distance < threshold)


def _unit_vector(feature, place):
    try:
        vector = np.asarray(feature)
    except ValueError:  # rows of other lengths
        vector = np.asarray(None)
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        raise InputError(f"{place} feature: expected numbers (D,), found {vector.dtype} {vector.shape}")
    with np.errstate(over="ignore"):
        vector = vector.astype(np.float64)
        length = np.linalg.norm(vector)
    if not abs(length - 1) <= TOLERANCE:  # nor NaN
        raise InputError(
            f"{place} feature: expected finite numbers of length 1, found length {length:.6g}; divide it by its L2 norm"
        )
    return vector
