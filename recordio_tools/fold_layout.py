"""The order of pairs in a pack, such that the verification protocol's folds come out right.

Evaluation cuts a pack into 10 equal consecutive parts; each needs both kinds of pairs (a fold of one
kind has no false accepts, or no true ones, to count), and should be the official fold. Dropping pairs
with missing images as they come would shift every later boundary. So:

- A list with 10 folds: let n be the most pairs of one kind that any fold misses. Every fold gives up n
  pairs of each kind: those it misses and, to make up the number, its last ones. Each tenth of the pack
  is then a part of its official fold, all have the same number of pairs, and the ratio stays.
- A list without (one block of same pairs and one of different, say): each kind is dealt out to the 10
  parts evenly, in list order.
"""

from typing import NamedTuple

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import FOLDS


class FoldLayout(NamedTuple):
    """``pairs``: what goes into the pack, in order; ``notes``: lines that say what was done to the list."""

    pairs: list
    notes: list


def lay_out_folds(pairs, present, source):
    """Order pairs for 10 folds, without those that are not present.

    Args:
        pairs: list of `Pair`; if their folds are 0..9 the folds are equal in size.
        present: one bool per pair.
        source: what to call the list in an error.

    Raises:
        ListError: too little is left for both kinds of pairs in every fold.
    """
    kept = [pair for pair, here in zip(pairs, present) if here]
    missing = [pair for pair, here in zip(pairs, present) if not here]
    missed = _count_by_fold(missing)
    notes = []
    if missing:
        by_fold = [f"fold {fold + 1}: {kinds[0]} same, {kinds[1]} different" for fold, kinds in missed.items()]
        notes.append(f"{len(missing)} of {len(pairs)} pairs miss an image and are dropped ({'; '.join(by_fold)})")
    if len({pair.fold for pair in pairs}) == FOLDS:
        laid_out = _level(kept, missed)
        if len(laid_out) < len(kept):
            notes.append(f"{len(kept) - len(laid_out)} more are dropped, so that the {FOLDS} folds stay equal")
    else:
        laid_out = _deal(kept)
        notes.append(f"the list has no {FOLDS} folds: same and different pairs are dealt out to {FOLDS} evenly")
    left = _count_by_fold(laid_out)
    if len(left) < FOLDS or not all(all(kinds) for kinds in left.values()):
        raise ListError(
            f"{source}: expected same and different pairs for each of {FOLDS} folds, found too few among the "
            f"{len(kept)} pairs whose images are there; align the missing images"
        )
    return FoldLayout(laid_out, notes)


def _level(kept, missed):
    """Cut every fold by as many pairs of each kind as the worst fold misses of one."""
    lost = max((count for kinds in missed.values() for count in kinds), default=0)
    left = {
        fold: [count - (lost - gone) for count, gone in zip(kinds, missed.get(fold, (0, 0)))]
        for fold, kinds in _count_by_fold(kept).items()
    }
    laid_out = []
    for pair in kept:
        kind = 0 if pair.is_same else 1
        if left[pair.fold][kind] > 0:
            left[pair.fold][kind] -= 1
            laid_out.append(pair)
    return laid_out


def _deal(kept):
    """Deal each kind out to the folds; the second kind's longer parts follow where the first's end.

    So the folds' sizes, too, are those of equal consecutive parts: the first ones may be one longer.
    """
    same = [pair for pair in kept if pair.is_same]
    different = [pair for pair in kept if not pair.is_same]
    laid_out = []
    for fold in range(FOLDS):
        for kind, place in ((same, fold), (different, (fold - len(same)) % FOLDS)):
            start, end = _part(len(kind), place)
            laid_out += [pair._replace(fold=fold) for pair in kind[start:end]]
    return laid_out


def _part(count, place):
    size, longer = divmod(count, FOLDS)
    start = place * size + min(place, longer)
    return start, start + size + (place < longer)


def _count_by_fold(pairs):
    """{fold: [same, different]} of the folds that occur, in order."""
    counts = {}
    for pair in sorted(pairs, key=lambda pair: pair.fold):
        counts.setdefault(pair.fold, [0, 0])[0 if pair.is_same else 1] += 1
    return counts
