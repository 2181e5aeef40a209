"""The curves of a MegaFace run: the devkit's, quantised as it does, and exact rank rates.

Ranks count from 0: how many distractors (and, in the traditional CMC, people of the gallery) are found before the mate.
"""

import numpy as np

_STEP = 0.01
_MOST_FLOAT = 1 << 24  # a float32 count stays there when one is added


def cmc_curve(ranks, distractors):
    """The devkit's ``cmc``: [ranks, rates] of the ranks (P,) of pairs, 0 to ``distractors``."""
    places, counts = _histogram(ranks, distractors)
    sums = np.cumsum(counts, dtype=np.float32)
    return _staircase(places, sums / sums[-1])


def traditional_curve(ranks, distractors, subjects):
    """The devkit's ``traditional_cmc``: [ranks, rates] of ranks (S,) of searches, below subjects + distractors."""
    places, counts = _histogram(ranks, subjects + distractors - 1)
    return _staircase(places, np.cumsum(counts / np.float32(len(ranks)), dtype=np.float32))


def roc_curve(above, counts, negatives):
    """The devkit's ``roc``: [false accept rates, true accept rates].

    The k-th point, k = 0 to the number of negatives, has the positives that are at least the (k + 1)-th negative: those
    with at most k negatives above them. The last has all.

    Args:
        above: int (T,), negatives above each distinct positive. counts: int (T,), the positives that have that score.
        negatives: how many there are.
    """
    order = np.argsort(above, kind="stable")
    last_of_place = np.flatnonzero(np.append(np.diff(above[order]) != 0, True))
    places, accepted = above[order][last_of_place], np.cumsum(counts[order])[last_of_place]
    if places[0] != 0:
        places, accepted = np.append(0, places), np.append(0, accepted)
    if places[-1] != negatives:
        places, accepted = np.append(places, negatives), np.append(accepted, accepted[-1])
    points, rates = _staircase(places, accepted.astype(np.float32) / np.float32(accepted[-1]))
    return [[float(np.float32(point) / np.float32(negatives)) for point in points], rates]


def rank_rates(ranks, most=100):
    """For r = 1 to ``most`` the share of ranks (P,) below r, exact: float64 (most,)."""
    counts = np.bincount(np.minimum(ranks, most), minlength=most + 1)
    return np.cumsum(counts[:most]) / len(ranks)


def _histogram(ranks, last):
    """(places, float32 counts) of the ranks that occur, of 0 and of the last possible one."""
    places, counts = np.unique(np.append(ranks, [0, last]), return_counts=True)
    counts[0] -= 1
    counts[-1] -= 1
    return places, np.minimum(counts, _MOST_FLOAT).astype(np.float32)


def _staircase(places, values):
    """[places, values] where the value (float32, never falling) is over 0.01 above the last one kept, and the last."""
    kept, before = [], np.float32(-1)
    start = 0
    while start < len(values):
        higher = (values[start:] - before).astype(np.float64) > _STEP
        if not higher.any():
            break
        start += int(np.argmax(higher))
        kept.append(start)
        before = values[start]
        start += 1
    if kept[-1] != len(values) - 1:
        kept.append(len(values) - 1)
    return [[int(places[place]) for place in kept], [float(values[place]) for place in kept]]
