"""What blocks of distractors add up to: counts that do not depend on the size or the order of the blocks."""

import numpy as np

from insightrec.megaface.false_accepts import accepts_allowed
from insightrec.megaface.largest_negatives import LargestNegatives
from insightrec.megaface.rank_counts import count_beaten, count_beaten_by_all, counts_above
from insightrec.megaface.score_tile import ScoreTile, prepare
from insightrec.megaface.top_distractors import TopDistractors
from insightrec.recordio_tools.errors import FeatureError, InputError

LARGEST_FAR = 1e-3  # negatives are kept for false accept rates up to this one
_PROBES = 512  # probes of a tile
_COLUMNS = 1 << 14  # distractors of a tile at most: rows as long as NumPy's operations want them, 32 MB of scores
_LIKE_NORM = 2.0  # distractors whose norms differ by more are bounded apart


class BlockCounts:
    """The counts of a run over ``distractors`` columns, of those blocks that were added.

    columns: sorted list of (start, stop), the columns seen.
    histogram: int64, of every probe's scores over its thresholds, as `count_beaten` has it.
    positive_histogram: int64 (distinct positives + 1,), of the first hundred probes' scores over those of same-person
    pairs, as `count_beaten_by_all` has it.
    top: `TopDistractors`. largest, roc_largest: `LargestNegatives` of all probes and of the first hundred.
    """

    def __init__(self, probe_set, distractors):
        self.distractors = distractors
        self.columns = []
        self.histogram = np.zeros(len(probe_set.thresholds) + len(probe_set), np.int64)
        self.positive_histogram = np.zeros(len(probe_set.positives) + 1, np.int64)
        self.top = TopDistractors(len(probe_set))
        self.largest = LargestNegatives(_kept(len(probe_set) * distractors))
        self.roc_largest = LargestNegatives(_kept(probe_set.roc_probes * distractors))

    def add(self, probe_set, values, first_column, *, product=np.matmul, exact=True):
        """Add a block of distractors, the columns from ``first_column`` on; those past ``distractors`` are left out.

        Args:
            probe_set: the `ProbeSet` of the run.
            values: float32 (n, d) features.
            product: the matrix product, called as product(a, b, out=c): float32 (r, k), (k, n) and (r, n), computed as
                `score_bound` assumes; another library's or a device's can be given.
            exact: True: all counts are the devkit's. False: the product's scores decide, near ties either way.

        Raises:
            FeatureError: features that cannot be scored, or of another dimension than the probes'.
            InputError: columns that were added before.
        """
        values = values[: max(self.distractors - first_column, 0)]
        if not len(values):
            return
        dimension = probe_set.scorable.features.values.shape[1]
        if values.shape[1:] != (dimension,):
            raise FeatureError(
                f"distractors: expected features of {dimension} numbers as the probes', found {values.shape[1:]}; "
                "give features of one model"
            )
        block = prepare(values, f"distractors from column {first_column}")
        self._see([(first_column, first_column + len(values))])
        for columns in _tiles(block.terms.norm):
            distractors = block.rows(columns)
            numbers = first_column + np.arange(len(values))[columns]
            for start in range(0, len(probe_set), _PROBES):
                probes = probe_set.scorable.rows(slice(start, start + _PROBES))
                tile = ScoreTile(probes, distractors, product=product, exact=exact)
                self._add_tile(probe_set, tile, start, numbers)

    def merge(self, other):
        """Add what another run over other columns, with the same probes and number of distractors, has counted.

        Raises:
            InputError: both have seen a column.
        """
        self._see(other.columns)
        self.histogram += other.histogram
        self.positive_histogram += other.positive_histogram
        self.top.merge(other.top)
        self.largest.merge(other.largest)
        self.roc_largest.merge(other.roc_largest)

    @property
    def complete(self):
        """Whether every column was seen."""
        return self.columns == [(0, self.distractors)]

    def to_arrays(self):
        """The counts as a dictionary of arrays, for ``np.savez``."""
        self.largest.settle()
        self.roc_largest.settle()
        return {
            "distractors": np.array(self.distractors),
            "columns": np.array(self.columns, np.int64).reshape(-1, 2),
            "histogram": self.histogram,
            "positive_histogram": self.positive_histogram,
            "top_scores": self.top.scores,
            "top_columns": self.top.columns,
            "largest": self.largest.entries,
            "roc_largest": self.roc_largest.entries,
        }

    @classmethod
    def from_arrays(cls, probe_set, arrays):
        """The counts that `to_arrays` gave, for the same probes.

        Raises:
            InputError: an array is missing, or of another shape or type than these probes have.
        """
        counts = cls(probe_set, int(arrays["distractors"]))
        expected = counts.to_arrays()
        for name, array in expected.items():
            found = arrays.get(name)
            free = name in ("columns", "largest", "roc_largest")  # of any length
            if found is None or found.dtype != array.dtype or found.shape[free:] != array.shape[free:]:
                raise InputError(f"saved counts: {name}: found those of another run; start anew")
        counts.columns = [(int(start), int(stop)) for start, stop in arrays["columns"]]
        counts.histogram, counts.positive_histogram = arrays["histogram"], arrays["positive_histogram"]
        counts.top.scores, counts.top.columns = arrays["top_scores"], arrays["top_columns"]
        counts.largest.entries, counts.roc_largest.entries = arrays["largest"], arrays["roc_largest"]
        return counts

    def beaten_by(self, probe_set, threshold):
        """For each index into the probe set's thresholds, how many distractors of that probe score above it: int64."""
        sizes = np.diff(probe_set.offsets)
        ends = np.cumsum(sizes + 1)
        sums = np.cumsum(self.histogram)
        row = np.searchsorted(probe_set.offsets, threshold, side="right") - 1
        return sums[ends[row] - 1] - sums[threshold + row]

    def negatives_above_positives(self):
        """How many scores of the first hundred probes are above each distinct positive, ascending: int64."""
        return counts_above(self.positive_histogram)

    def _add_tile(self, probe_set, tile, start, numbers):
        offsets = probe_set.offsets[start : start + len(tile.scores) + 1]
        first, last = offsets[[0, -1]]
        histogram = self.histogram[first + start : last + start + len(tile.scores)]
        count_beaten(tile, probe_set.thresholds[first:last], offsets - first, histogram)
        self.top.add(tile, start, numbers)
        self.largest.add(tile, start, numbers)
        hundred = min(max(probe_set.roc_probes - start, 0), len(tile.scores))
        if hundred:
            count_beaten_by_all(tile, hundred, probe_set.positives, self.positive_histogram)
            self.roc_largest.add(tile, start, numbers, hundred)

    def _see(self, columns):
        joined = []
        for start, stop in sorted([*self.columns, *columns]):
            if joined and start < joined[-1][1]:
                raise InputError(f"columns {start} to {joined[-1][1] - 1} were counted already; start anew")
            if joined and start == joined[-1][1]:
                joined[-1] = (joined[-1][0], stop)
            else:
                joined.append((start, stop))
        self.columns = joined


def _kept(negatives):
    return accepts_allowed(LARGEST_FAR, negatives) + 1


def _tiles(norms):
    """Slices or index arrays of columns of like norm, at most `_COLUMNS` each.

    One bound holds for all columns of a tile: a distractor of large norm (100 for those that a noise list marks) must
    not share it with the others.
    """
    if norms.max() <= _LIKE_NORM * norms.min():
        tiles = -(-len(norms) // _COLUMNS)
        edges = np.arange(tiles + 1) * len(norms) // tiles
        yield from map(slice, edges[:-1], edges[1:])
        return
    order = np.argsort(norms, kind="stable")
    start = 0
    while start < len(order):
        stop = np.searchsorted(norms[order], _LIKE_NORM * norms[order[start]], side="right")
        group = np.sort(order[start:stop])
        yield from np.array_split(group, -(-len(group) // _COLUMNS))
        start = stop
