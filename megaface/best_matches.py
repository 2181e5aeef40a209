"""Exact search for who resembles whom: for each row its best counterpart, by cosine, in blocks.

Every pair is compared, by a float32 matrix product; what comes near the threshold or near the best is computed again
in float64, so that neither the block size nor the library that multiplies changes what is found.
"""

from typing import NamedTuple

import numpy as np

from insightrec.eval.pair_distance import normalized

BLOCK = 8192  # rows compared at a time


class Match(NamedTuple):
    """One row that has a counterpart: its index, the counterpart's, and their cosine, -1..1."""

    row: int
    counterpart: int
    cosine: float


def best_matches(searches, blocks):
    """For each row that resembles a counterpart, the one it resembles most.

    Args:
        searches: list of ``(counterparts, threshold)``: float64 (M, D), unit rows, and the least cosine, -1..1. Each
            is a search of its own; the rows are read once for all.
        blocks: iterable of float (n, D), the rows in order, of any length but zero.

    Yields:
        ``(search, match)``: which search, counted from 0, and a `Match`, in the order of the rows within a block; of
        equal counterparts the first.
    """
    products = [np.ascontiguousarray(counterparts.T, np.float32) for counterparts, _ in searches]
    start = 0
    for block in blocks:
        unit = normalized(block)
        margin = unit.shape[1] * 2.0**-22  # what a float32 product of unit vectors can be off by, four times over
        for search, ((counterparts, threshold), product) in enumerate(zip(searches, products)):
            cosines = unit.astype(np.float32) @ product
            best = cosines.max(axis=1)
            for row in np.flatnonzero(best >= threshold - margin).tolist():
                near = np.flatnonzero(cosines[row] >= best[row] - margin)
                exact = np.array([counterparts[place] @ unit[row] for place in near])
                place = int(exact.argmax())
                if exact[place] >= threshold:
                    yield search, Match(start + row, int(near[place]), float(exact[place]))
        start += len(block)


def in_blocks(source):
    """The rows of a feature source, `BLOCK` at a time."""
    for start in range(0, len(source), BLOCK):
        yield source.read(start, min(start + BLOCK, len(source)))


def identity_centers(blocks, ids):
    """The direction of each person's features together: the mean of their unit vectors, of unit length.

    Args:
        blocks: iterable of float (n, D), the features in order.
        ids: list of N str, the person of each.

    Returns:
        ``(names, centers)``: list of K str in the order of first appearance, float64 (K, D).
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(ids))}
    members = np.array([numbers[name] for name in ids])
    sums, start = None, 0
    for block in blocks:
        if sums is None:
            sums = np.zeros((len(numbers), block.shape[1]))
        np.add.at(sums, members[start : start + len(block)], normalized(block))
        start += len(block)
    return list(numbers), normalized(sums)
