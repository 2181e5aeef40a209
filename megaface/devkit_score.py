"""The MegaFace devkit's score, negative squared L2, bit for bit.

    n(a)  = float32(-(sum over k of double(a_k) * double(a_k)))
    dot   = 0; for k = 0..d-1: dot = float32(dot + float32(a_k * b_k))      # one after the other, no fused multiply-add
    score = float32(float32(dot + dot) + float32(n(a) + n(b)))

The loops here run over k, each step vectorised over scores, so that every score sees its operations in that order;
NumPy's own sums and products over k would not (they are pairwise, or a matrix library's). The result is symmetric,
score(a, b) = score(b, a), to the bit.
"""

from typing import NamedTuple

import cv2
import numpy as np

from insightrec.megaface.feature_file import MAX_DIMENSION
from insightrec.recordio_tools.errors import FeatureError

MAX_SQUARED_NORM = 2.0**120  # no sum of the score can leave float32 below it
_TILE = (25, 2048)  # rows and columns of `score_matrix` at a time, by measurement: two tiles stay in a 1 MB cache
_PAIRS = 2048  # pairs at a time, 4 MB of float32 products at 512-d
_ROWS = 512  # rows of norms at a time


class Features(NamedTuple):
    """Features with their norms: values float32 (n, d) C-contiguous, negative_squared_norms float32 (n,)."""

    values: np.ndarray
    negative_squared_norms: np.ndarray

    def rows(self, which):
        """The features of a slice or of indices."""
        return Features(self.values[which], self.negative_squared_norms[which])


def scorable(values, name="features"):
    """`Features` of float32 values (n, d), n and d at least 1.

    Raises:
        FeatureError: another shape or type, a number that is not finite, or a squared norm above 2**120.
    """
    values = np.ascontiguousarray(values)
    if values.ndim != 2 or values.dtype != np.float32 or not 0 < values.shape[1] <= MAX_DIMENSION or not len(values):
        raise FeatureError(
            f"{name}: expected float32 features (n, d), d at most {MAX_DIMENSION}, "
            f"found {values.dtype} of shape {values.shape}"
        )
    squares = _squared_norms(values)
    refused = np.flatnonzero(~(squares <= MAX_SQUARED_NORM))  # NaN too
    if len(refused):
        raise FeatureError(
            f"{name}: row {refused[0]}: expected finite numbers and a norm below 1e18, found a squared norm of "
            f"{squares[refused[0]]:g} ({len(refused)} such rows); extract these features again"
        )
    return Features(values, (-squares).astype(np.float32))


def score_matrix(first, second):
    """All scores of two `Features`: float32 (n, m)."""
    scores = np.empty((len(first.values), len(second.values)), np.float32)
    height, width = _TILE
    by_dimension = cv2.transpose(second.values)
    for left in range(0, scores.shape[1], width):
        columns = np.ascontiguousarray(by_dimension[:, left : left + width])
        for top in range(0, len(scores), height):
            rows = cv2.transpose(first.values[top : top + height])[:, :, None]
            tile = scores[top : top + height, left : left + width]
            dot = np.zeros(tile.shape, np.float32)
            product = np.empty_like(dot)
            for k in range(len(rows)):
                np.multiply(rows[k], columns[k], out=product)
                dot += product
            dot += dot
            norms = first.negative_squared_norms[top : top + height, None]
            np.add(dot, norms + second.negative_squared_norms[left : left + width], out=tile)
    return scores


def score_pairs(first, second, rows, columns):
    """The scores of first[rows[p]] and second[columns[p]]: float32 (pairs,)."""
    scores = np.empty(len(rows), np.float32)
    size = min(_PAIRS, len(rows))
    left, right = (np.empty((size, first.values.shape[1]), np.float32) for _ in range(2))
    for start in range(0, len(rows), _PAIRS):
        i, j = rows[start : start + _PAIRS], columns[start : start + _PAIRS]
        products, others = left[: len(i)], right[: len(i)]
        # "clip" lets take write straight into `out`
        np.take(first.values, i, axis=0, out=products, mode="clip")
        np.take(second.values, j, axis=0, out=others, mode="clip")
        products *= others
        dot = np.zeros(len(i), np.float32)
        for step in cv2.transpose(products):
            dot += step
        dot += dot
        dot += first.negative_squared_norms[i] + second.negative_squared_norms[j]
        scores[start : start + _PAIRS] = dot
    return scores


def _squared_norms(values):
    """Squared norms in float64, summed one after the other: (n,)."""
    squares = np.zeros(len(values))
    for start in range(0, len(values), _ROWS):
        total = squares[start : start + _ROWS]
        by_dimension = cv2.transpose(values[start : start + _ROWS]).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            by_dimension *= by_dimension
            for step in by_dimension:
                total += step
    return squares
