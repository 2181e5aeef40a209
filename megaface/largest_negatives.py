"""The largest scores of probes and distractors, as many as a false accept rate allows, without keeping the others."""

import numpy as np

from insightrec.megaface.score_tile import rounded_down, rounded_up

_FIELDS = (("lower", np.float32), ("upper", np.float32), ("probe", np.int32), ("column", np.int32))
_SAMPLE = 16  # the first limit is found in this many times the scores wanted


class LargestNegatives:
    """Every score that may be among the ``most`` largest, as an interval that holds the devkit's score.

    entries: of the fields lower, upper (float32), probe, column (int32): 16 bytes each, and seldom more of them than
    1.5 times ``most``. limit: float, at least ``most`` of the scores are not below it; -inf while that is not known.
    """

    def __init__(self, most):
        self.most = most
        self.limit = -np.inf
        self.entries = np.empty(0, list(_FIELDS))
        self._waiting = []
        self._waiting_count = 0

    def add(self, tile, first_row, columns, rows=None):
        """Add the first ``rows`` (None: all) rows of a `ScoreTile`; its columns have these numbers."""
        bound = tile.bound[:rows]
        if self.limit == -np.inf:
            self._first_limit(tile, bound)
        found, places = tile.at_least(self.limit - bound)
        if self.limit == -np.inf:
            found, places = (side[places < tile.columns] for side in (found, places))
        entries = np.empty(len(found), self.entries.dtype)
        if self._crowded or not tile.exact:
            entries["lower"] = entries["upper"] = tile.exact_pairs(found, places)
        else:
            scores = tile.scores[found, places].astype(np.float64)
            entries["lower"], entries["upper"] = rounded_down(scores - bound[found]), rounded_up(scores + bound[found])
        entries["probe"], entries["column"] = first_row + found, columns[places]
        self._append(entries)

    def merge(self, other):
        """Add the scores that ``other`` has seen; none of them seen here."""
        other.settle()
        self.limit = max(self.limit, other.limit)
        self._append(other.entries)

    def settle(self):
        """Put all entries into ``entries``, and leave out those that cannot be among the ``most`` largest."""
        entries = np.concatenate([self.entries, *self._waiting])
        self._waiting, self._waiting_count = [], 0
        if len(entries) > self.most:
            limit = np.partition(entries["lower"], -self.most)[-self.most]
            self.limit = max(self.limit, float(limit))
            entries = entries[entries["upper"] >= self.limit]
            # of scores that are the limit itself no more are wanted than make up the number
            ties = np.flatnonzero((entries["lower"] == limit) & (entries["upper"] == limit))
            wanted = max(self.most - np.count_nonzero(entries["lower"] > limit), 0)
            entries = np.delete(entries, ties[wanted:])
        self.entries = entries

    def order_statistic(self, rank, exact_scores):
        """The ``rank``-th largest of all scores seen (1 is the largest), and how many are above it.

        Args:
            rank: 1 to ``most``.
            exact_scores: function (probes, columns) -> the devkit's scores float32, called with those entries that
                the bound cannot put in order.

        Returns:
            (score, count): float and int.
        """
        self.settle()
        lower, upper = (np.partition(self.entries[side], -rank)[-rank] for side in ("lower", "upper"))
        # the score lies in [lower, upper]: entries above that interval are larger, those below it smaller
        above = int(np.count_nonzero(self.entries["lower"] > upper))  # NumPy 2.5 returns its own int
        between = self.entries[(self.entries["lower"] <= upper) & (self.entries["upper"] >= lower)]
        scores = between["lower"].copy()
        open_ = np.flatnonzero(between["lower"] != between["upper"])
        if len(open_):
            scores[open_] = exact_scores(between["probe"][open_], between["column"][open_])
        score = np.partition(scores, above - rank)[above - rank]
        return float(score), above + int(np.count_nonzero(scores > score))

    def _first_limit(self, tile, bound):
        """Before any scores: so many of the tile's first rows reach this limit that nothing below it is wanted."""
        rows = min(-(-_SAMPLE * self.most // tile.columns), len(bound))
        sample = tile.scores[:rows, : tile.columns]
        if sample.size >= self.most:
            lowest = np.partition(sample.ravel(), -self.most)[-self.most]
            self.limit = float(lowest) - float(bound[:rows].max())

    @property
    def _crowded(self):
        """Whether too many scores are within the bound of the limit, e.g. of images that share a feature: of exact
        scores, those that tie can be left out."""
        return len(self.entries) > 2 * self.most

    def _append(self, entries):
        self._waiting.append(entries)
        self._waiting_count += len(entries)
        if self._waiting_count > self.most // 2:
            self.settle()
