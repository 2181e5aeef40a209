"""Approximate scores of some probes and some distractors, with the bound on their error."""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.devkit_score import Features, scorable, score_matrix, score_pairs
from insightrec.megaface.score_bound import BLOCK, BoundTerms, block_starts, bound_terms, score_bound

STRIDES = 64  # a chunk is every (width / 64)-th column: 64 scores, of which the largest is kept
_PRODUCT_COLUMNS = 2048  # columns of one product: it and its sum stay in the cache


class Scorable(NamedTuple):
    """`Features` and their `BoundTerms`."""

    features: Features
    terms: BoundTerms

    def rows(self, which):
        """Those of a slice or of indices."""
        return Scorable(self.features.rows(which), self.terms.rows(which))


def prepare(values, name="features"):
    """`Scorable` of float32 values (n, d).

    Raises:
        FeatureError: as `scorable`; ``name`` says whose they are.
    """
    features = scorable(values, name)
    return Scorable(features, bound_terms(features.values))


class ScoreTile:
    """Scores of R probes and C distractors, both `Scorable`.

    scores: float32 (R, W), W the next multiple of 64 from C; the columns from C on are -inf.
    bound: float64 (R,): no score is further from the devkit's. Zero if ``exact`` is false: scores count as they are.
    chunk_peaks: float32 (R, W / 64): the largest of the scores (r, j), (r, j + W / 64), (r, j + 2 W / 64), ...
    peaks: float32 (R,): the largest of each row.
    """

    def __init__(self, probes, distractors, *, product=np.matmul, exact=True):
        self.probes, self.distractors = probes, distractors
        self.exact = exact
        self.columns = len(distractors.features.values)
        self.scores, prefix_peaks = _scores(probes.features, distractors.features, product, exact)
        if exact:
            dimension = probes.features.values.shape[1]
            self.bound = score_bound(probes.terms, distractors.terms, prefix_peaks, dimension)
        else:
            self.bound = np.zeros(len(self.scores))
        self._chunks = self.scores.reshape(len(self.scores), STRIDES, -1)
        self.chunk_peaks = self._chunks.max(axis=1)
        self.peaks = self.chunk_peaks.max(axis=1)

    def at_least(self, limits):
        """(rows, columns) of the scores in row r that are at least limits[r], for as many rows as ``limits`` has.

        Limits are rounded down to float32, and the columns from C on count if theirs is -inf.
        """
        limits = rounded_down(limits)
        rows, chunks = np.nonzero(self.chunk_peaks[: len(limits)] >= limits[:, None])
        found, strides = np.nonzero(self._chunks[rows, :, chunks] >= limits[rows, None])
        return rows[found], strides * self.chunk_peaks.shape[1] + chunks[found]

    def exact_pairs(self, rows, columns):
        """The devkit's scores of these (in ``exact`` mode; else those of the product)."""
        if not self.exact:
            return self.scores[rows, columns]
        return score_pairs(self.probes.features, self.distractors.features, rows, columns)

    def exact_rows(self, rows):
        """The devkit's scores of whole rows: float32 (len(rows), C)."""
        return score_matrix(self.probes.features.rows(rows), self.distractors.features)


def rounded_down(numbers):
    """float64 to float32, not above."""
    return np.nextafter(np.asarray(numbers).astype(np.float32), np.float32(-np.inf))


def rounded_up(numbers):
    """float64 to float32, not below."""
    return np.nextafter(np.asarray(numbers).astype(np.float32), np.float32(np.inf))


def _scores(probes, distractors, product, with_peaks):
    """(scores padded with -inf, the largest |sum| of each row after each block but the last)."""
    count, dimension = len(probes.values), probes.values.shape[1]
    columns = len(distractors.values)
    scores = np.empty((count, -(-columns // STRIDES) * STRIDES), np.float32)
    scores[:, columns:] = -np.inf
    starts = block_starts(dimension)
    peaks = np.zeros((count, len(starts) - 1))
    scratch = np.empty((count, min(columns, _PRODUCT_COLUMNS)), np.float32)
    for left in range(0, columns, _PRODUCT_COLUMNS):
        right = min(left + _PRODUCT_COLUMNS, columns)
        total, part = scores[:, left:right], scratch[:, : right - left]
        for block, start in enumerate(starts):
            one = probes.values[:, start : start + BLOCK]
            other = distractors.values[left:right, start : start + BLOCK]
            if not block:
                product(one, other.T, out=total)
            else:
                if with_peaks:
                    np.maximum(peaks[:, block - 1], total.max(axis=1), out=peaks[:, block - 1])
                    np.maximum(peaks[:, block - 1], -total.min(axis=1), out=peaks[:, block - 1])
                product(one, other.T, out=part)
                total += part
        total += total
        np.add(probes.negative_squared_norms[:, None], distractors.negative_squared_norms[left:right], out=part)
        total += part
    return scores, peaks
