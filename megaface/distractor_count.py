"""All distractors of a size, counted block by block on one of the engines, in memory that does not grow with them."""

import collections
import itertools
from typing import NamedTuple

from insightrec.megaface.block_counts import BlockCounts

BLOCK = 8192  # distractors read together: 16 MB of 512-d
_ALONE = 4  # blocks that are counted one after the other: their limits spare later ones most of what they would keep


class CountJob(NamedTuple):
    """What the counting of every block needs: picklable.

    probe_set: `ProbeSet`. source: the distractors' features. distractors: how many of them, the first, are counted.
    product, exact: as `BlockCounts.add`.
    """

    probe_set: object
    source: object
    distractors: int
    product: object
    exact: bool


class Limits(NamedTuple):
    """Scores below which no negative is among those that are kept, as far as is known."""

    largest: float
    roc_largest: float


def count_block(job, start, stop, limits):
    """`BlockCounts` of the distractors ``start`` to ``stop``."""
    counts = BlockCounts(job.probe_set, job.distractors)
    counts.largest.limit, counts.roc_largest.limit = limits
    counts.add(job.probe_set, job.source.read(start, stop), start, product=job.product, exact=job.exact)
    counts.largest.settle()
    counts.roc_largest.settle()
    return counts


def count_distractors(engine, job, counts, block=BLOCK):
    """Add to ``counts``, a `BlockCounts`, the distractors that it has not seen.

    The result does not depend on the engine, its workers or ``block`` (in fast mode: up to the order of roundings).

    Yields:
        after each block, how many distractors it had; ``counts`` is then consistent.

    Raises:
        FeatureError: features that cannot be read or scored.
    """
    submit = engine.bind(count_block, job)
    waiting = collections.deque()
    spans = _unseen(counts.columns, job.distractors, block)
    limits = Limits(counts.largest.limit, counts.roc_largest.limit)
    for done in itertools.count():
        # never more than are worked on: an early result of a million distractors has 60 MB
        while len(waiting) < (engine.workers if done >= _ALONE else 1) and (span := next(spans, None)):
            waiting.append((span, submit(*span, limits)))
        if not waiting:
            return
        (start, stop), submitted = waiting.popleft()
        found = engine.result(submitted)
        counts.merge(found)
        # what so many scores of one block reach, as many of all blocks do
        limits = Limits(
            max(limits.largest, found.largest.limit, counts.largest.limit),
            max(limits.roc_largest, found.roc_largest.limit, counts.roc_largest.limit),
        )
        yield stop - start


def _unseen(columns, distractors, block):
    """(start, stop) of blocks of the columns that are not in ``columns``, sorted (start, stop)."""
    for (_, start), (stop, _) in zip([(0, 0), *columns], [*columns, (distractors, distractors)]):
        for first in range(start, stop, block):
            yield first, min(first + block, stop)
