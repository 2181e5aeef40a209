"""How many scores of each row lie above each of its thresholds: counted in buckets, without sorting.

A score beats the thresholds that are strictly below it: r of them. What is kept is the histogram of r; the number of
scores above each threshold is a sum over it. An approximate score gets a bucket by a function that never decreases,
however its steps are rounded, so a score in a bucket above that of (threshold + bound) beats the threshold, and one
in a bucket below that of (threshold - bound) does not. Only the scores in the few buckets between are looked at one by
one, and only those within the bound of a threshold are computed the devkit's way.
"""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.score_tile import rounded_down, rounded_up

_BUCKETS = 1 << 12  # by measurement, for sixty thresholds or so: a table that stays in the fastest cache
_MANY_BUCKETS = 1 << 16  # for thresholds by the thousand
_ROWS = 128  # rows that get their tables together
_WHOLE_ROW = 0.2  # above this share of undecided scores a whole row is cheaper to compute than pairs
_SAMPLE = 64  # scores of a row that are tried first where thresholds are many
_OPEN = 0  # the code of a bucket that is not decided; code r + 1 is that of r thresholds beaten


class _Tables(NamedTuple):
    """Buckets of R rows: origin, scale float32 (R,), codes int32 (R, buckets)."""

    origin: np.ndarray
    scale: np.ndarray
    codes: np.ndarray


def count_beaten(tile, thresholds, offsets, histogram):
    """Add a `ScoreTile` to the histograms of its rows.

    Args:
        tile: R rows.
        thresholds: float32, of all rows one after the other; those of a row are distinct and ascending.
        offsets: int (R + 1,), where the thresholds of each row begin.
        histogram: int64 (len(thresholds) + R,), added to: for each row how many scores beat r = 0, 1, ... thresholds.
    """
    slots = offsets + np.arange(len(offsets))
    reached = np.diff(offsets) > 0
    reached[reached] = (tile.peaks + tile.bound)[reached] > thresholds[offsets[:-1][reached]]
    histogram[slots[:-1][~reached]] += tile.columns
    rows = np.flatnonzero(reached)
    for start in range(0, len(rows), _ROWS):
        batch = rows[start : start + _ROWS]
        sizes = np.diff(offsets)[batch]
        picked = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in batch])
        starts = np.concatenate([[0], np.cumsum(sizes)])
        tables = _tables(thresholds[picked], starts, tile.bound[batch], tile.peaks[batch], _BUCKETS)
        _count_rows(
            tile,
            batch,
            tables,
            [thresholds[offsets[row] : offsets[row + 1]] for row in batch],
            [histogram[slots[row] : slots[row + 1]] for row in batch],
        )


def count_beaten_by_all(tile, rows, thresholds, histogram):
    """Add the first ``rows`` rows of a `ScoreTile` to one histogram (t + 1,) over the same thresholds (t,) for all."""
    bound, peak = tile.bound[:rows].max(), tile.peaks[:rows].max()
    reached = int(np.searchsorted(thresholds, peak + bound))  # no score beats the others
    if not reached:
        histogram[0] += rows * tile.columns
        return
    thresholds, histogram = thresholds[:reached], histogram[: reached + 1]
    sample = tile.scores[:rows, : tile.columns : -(-tile.columns // _SAMPLE)]
    low, high = _beaten(sample.ravel(), thresholds, bound)
    if np.mean(low != high) > _WHOLE_ROW:
        _add_whole_rows(tile, np.arange(rows), [thresholds] * rows, [histogram] * rows)
        return
    one = _tables(thresholds, np.array([0, reached]), np.array([bound]), np.array([peak]), _MANY_BUCKETS)
    tables = _Tables(*(np.broadcast_to(part, (rows, *part.shape[1:])) for part in one))
    _count_rows(tile, np.arange(rows), tables, [thresholds] * rows, [histogram] * rows)


def counts_above(histogram):
    """How many scores are above each threshold, ascending (t,), from the histogram (t + 1,)."""
    return histogram.sum() - histogram.cumsum()[:-1]


def _count_rows(tile, rows, tables, thresholds, histograms):
    undecided, sizes, whole_rows = [], [], []
    for place, row in enumerate(rows):
        histogram = histograms[place]
        scores = tile.scores[row, : tile.columns]
        codes = tables.codes[place]
        code = codes.take(_buckets(scores, tables.origin[place], tables.scale[place], len(codes)))
        open_ = np.flatnonzero(code == _OPEN)
        low, high = _beaten(scores[open_], thresholds[place], tile.bound[row])
        decided = low == high
        columns = open_[~decided]
        if len(columns) > _WHOLE_ROW * tile.columns:
            whole_rows.append(place)
            columns = columns[:0]
        else:
            histogram += np.bincount(code, minlength=len(histogram) + 1)[1:]
            _add(histogram, low[decided])
        undecided.append(columns)
        sizes.append(len(columns))
    if any(sizes):
        exact = tile.exact_pairs(np.repeat(rows, sizes), np.concatenate(undecided))
        for place, scores in enumerate(np.split(exact, np.cumsum(sizes[:-1]))):
            if len(scores):
                _add(histograms[place], np.searchsorted(thresholds[place], scores))
    if whole_rows:
        picked = ([side[place] for place in whole_rows] for side in (thresholds, histograms))
        _add_whole_rows(tile, rows[whole_rows], *picked)


def _add_whole_rows(tile, rows, thresholds, histograms):
    for place, scores in enumerate(tile.exact_rows(rows)):
        _add(histograms[place], np.searchsorted(thresholds[place], np.sort(scores)))


def _beaten(scores, thresholds, bound):
    """How many thresholds each score beats at least, and at most.

    The differences are rounded to float64, by far less than the one per cent in the bound's last term.
    """
    scores = scores.astype(np.float64)
    return np.searchsorted(thresholds, scores - bound), np.searchsorted(thresholds, scores + bound)


def _buckets(scores, origin, scale, buckets):
    """The buckets of float32 scores, the first for all below ``origin``; no step decreases, rounded or not."""
    places = np.maximum(scores, origin)
    places -= origin
    with np.errstate(over="ignore"):
        places *= scale
    np.minimum(places, np.float32(buckets - 1), out=places)
    return places.astype(np.intp)


def _tables(thresholds, starts, bound, peaks, buckets):
    """`_Tables` of R rows; the thresholds of row r are those from starts[r] to starts[r + 1], at least one."""
    sizes = np.diff(starts)
    lowest = thresholds[starts[:-1]] - bound
    highest = np.minimum(thresholds[starts[1:] - 1] + bound, peaks)  # thresholds above the peak share the last bucket
    width = np.maximum((highest - lowest) / (buckets - 4), 2.0**-100)
    origin = (lowest - 2 * width).astype(np.float32)
    scale = (1 / width).astype(np.float32)
    each = np.repeat(np.arange(len(sizes)), sizes)
    lower = _buckets(rounded_down(thresholds - bound[each]), origin[each], scale[each], buckets)
    upper = _buckets(rounded_up(thresholds + bound[each]), origin[each], scale[each], buckets)
    # for each row: a run of beaten 0, the buckets of the first threshold, a run of beaten 1, and so on
    after = np.zeros(len(thresholds), np.intp)
    after[1:] = upper[:-1] + 1
    after[starts[:-1]] = 0
    begin = starts[:-1] + np.arange(len(sizes))
    runs = np.ones(len(thresholds) + len(sizes), bool)
    runs[begin + sizes] = False  # the run after the last threshold of a row has no threshold
    lengths = np.zeros((len(runs), 2), np.intp)
    lengths[runs, 0] = np.maximum(lower - after, 0)
    lengths[runs, 1] = upper + 1 - np.maximum(lower, after)
    lengths[~runs, 0] = buckets - 1 - upper[starts[1:] - 1]
    codes = np.zeros((len(runs), 2), np.int32)
    codes[:, 0] = np.arange(len(runs)) - np.repeat(begin, sizes + 1) + 1
    return _Tables(origin, scale, np.repeat(codes.ravel(), lengths.ravel()).reshape(-1, buckets))


def _add(histogram, beaten):
    counts = np.bincount(beaten)
    histogram[: len(counts)] += counts
