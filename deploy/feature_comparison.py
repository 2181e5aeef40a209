"""Two features of unit length: how far apart, and whether that is one person."""

from typing import NamedTuple

import numpy as np

THRESHOLD = 1.24  # InsightFace's, for its first models


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
    """
    difference = np.subtract(first, second, dtype=np.float64)
    distance = float(difference @ difference)
    return Comparison(distance, 1 - distance / 2, distance < threshold)
