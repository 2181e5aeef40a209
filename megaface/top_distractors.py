"""The best distractors of each probe: by exact score, ties won by the larger column."""

import numpy as np

TOP = 5
_NONE = -1
_WHOLE_ROW = (
    0.2  # above this share of candidates, as of a model that gives one feature, a whole row is cheaper than pairs
)
_ROWS = 128  # whole rows at a time


class TopDistractors:
    """The ``TOP`` best of the distractors seen so far, of N probes.

    scores: float32 (N, 5), best first, -inf where there are fewer. columns: int64 (N, 5), -1 there.
    """

    def __init__(self, probes):
        self.scores = np.full((probes, TOP), -np.inf, np.float32)
        self.columns = np.full((probes, TOP), _NONE, np.int64)

    def add(self, tile, first_row, columns):
        """Add a `ScoreTile`, whose rows are the probes from ``first_row`` and whose columns have these numbers."""
        rows = slice(first_row, first_row + len(tile.scores))
        limits = self.scores[rows, -1].astype(np.float64)
        if tile.chunk_peaks.shape[1] >= TOP:
            # five scores reach the fifth largest chunk peak, each at most the bound below it
            limits = np.maximum(limits, np.partition(tile.chunk_peaks, -TOP, axis=1)[:, -TOP] - tile.bound)
        found, places = tile.at_least(limits - tile.bound)
        real = places < tile.columns  # with fewer than five so far, all are candidates, and the padding is not one
        found, places = found[real], places[real]
        crowded = np.bincount(found, minlength=len(tile.scores)) > max(TOP, _WHOLE_ROW * tile.columns)
        few = ~crowded[found]
        found, places = found[few], places[few]
        self._merge(first_row + found, tile.exact_pairs(found, places), columns[places])
        crowded = np.flatnonzero(crowded)
        for start in range(0, len(crowded), _ROWS):
            some = crowded[start : start + _ROWS]
            scores = tile.exact_rows(some) if tile.exact else tile.scores[some, : tile.columns]
            for row, row_scores in zip(some, scores):
                best = _best(row_scores, columns)
                self._merge(np.full(len(best), first_row + row), row_scores[best], columns[best])

    def merge(self, other):
        """Add the distractors that ``other`` has seen; none of them seen here."""
        rows, places = np.nonzero(other.columns != _NONE)
        self._merge(rows, other.scores[rows, places], other.columns[rows, places])

    def _merge(self, rows, scores, columns):
        touched = np.unique(rows)
        kept_rows, kept = np.nonzero(self.columns[touched] != _NONE)
        rows = np.concatenate([touched[kept_rows], rows])
        scores = np.concatenate([self.scores[touched[kept_rows], kept], scores])
        columns = np.concatenate([self.columns[touched[kept_rows], kept], columns])
        order = np.lexsort((-columns, -scores, rows))
        rows, scores, columns = rows[order], scores[order], columns[order]
        starts = np.searchsorted(rows, touched)
        place = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
        best = place < TOP
        self.scores[rows[best], place[best]] = scores[best]
        self.columns[rows[best], place[best]] = columns[best]


def _best(scores, columns):
    """Places of the `TOP` best of one row's scores (m,), m > TOP, in any order."""
    fifth = np.partition(scores, -TOP)[-TOP]
    ties = np.flatnonzero(scores == fifth)
    return np.concatenate([np.flatnonzero(scores > fifth), ties[np.argsort(columns[ties])[-TOP:]]])
