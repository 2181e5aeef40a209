"""True accept rates at exact false accept rates, over scores of which only the largest were kept."""

import numpy as np

from insightrec.eval.tar_at_far import TarAtFar
from insightrec.megaface.devkit_score import scorable, score_pairs
from insightrec.recordio_tools.errors import InputError

FAR_TARGETS = (1e-3, 1e-4, 1e-5, 1e-6)
_COLUMNS = 4096  # distractors fetched again at a time


def accepts_allowed(far, negatives):
    """The most false accepts among so many negatives: the largest k with k / negatives <= far, but not all of them."""
    allowed = int(far * negatives)
    while (allowed + 1) / negatives <= far:
        allowed += 1
    while allowed / negatives > far:
        allowed -= 1
    return min(allowed, negatives - 1)


def tar_at_far(probe_set, largest, negatives, exact_scores, far_targets=FAR_TARGETS):
    """As `insightrec.eval.tar_at_far.tar_at_far`, but a pair is accepted if its score is above the threshold.

    The threshold is the (k + 1)-th largest negative, k the false accepts allowed.

    Args:
        probe_set: `ProbeSet`, whose unordered pairs of one person are the positives.
        largest: `LargestNegatives` of all the negatives.
        negatives: how many they are.
        exact_scores: see `LargestNegatives.order_statistic`, e.g. of `exact_scorer`.
        far_targets: rates, 0 < far <= 1e-3.

    Returns:
        A list of `TarAtFar`, in the order of ``far_targets``.

    Raises:
        InputError: a rate for which more negatives than were kept are needed.
    """
    positives = int(probe_set.positive_counts.sum())
    points = []
    for far in far_targets:
        allowed = accepts_allowed(far, negatives)
        if not 0 < far < 1 or allowed >= largest.most:
            raise InputError(f"expected a false accept rate above 0 for which negatives were kept, found {far}")
        threshold, false_accepts = largest.order_statistic(allowed + 1, exact_scores)
        first = np.searchsorted(probe_set.positives, np.float32(threshold), side="right")
        true_accepts = int(probe_set.positive_counts[first:].sum())
        points.append(
            TarAtFar(
                far_target=far,
                tar=true_accepts / positives,
                threshold=threshold,
                false_accepts=false_accepts,
                negatives=negatives,
                true_accepts=true_accepts,
                positives=positives,
                resolvable=1 / negatives <= far,
            )
        )
    return points


def exact_scorer(probe_set, source):
    """A function (probes, columns) -> the devkit's scores; it fetches distractors with ``source.take(columns)``."""

    def exact_scores(probes, columns):
        scores = np.empty(len(probes), np.float32)
        wanted, index = np.unique(columns, return_inverse=True)
        order = np.argsort(index, kind="stable")
        starts = np.arange(0, len(wanted) + _COLUMNS, _COLUMNS)
        for start, pairs in zip(starts, np.split(order, np.searchsorted(index[order], starts[1:-1]))):
            fetched = scorable(source.take(wanted[start : start + _COLUMNS]), "distractors")
            scores[pairs] = score_pairs(probe_set.scorable.features, fetched, probes[pairs], index[pairs] - start)
        return scores

    return exact_scores
