"""Verification accuracy by cross-validation: the protocol of LFW's restricted setting.

Each fold is scored at the threshold that does best on the other folds (Huang et al., "Labeled Faces in
the Wild", 2007; with the grid of thresholds of InsightFace's ``verification.py``).
"""

from dataclasses import dataclass

import numpy as np

from insightrec.eval.pair_distance import check_pairs
from insightrec.eval.pair_folds import accepted_by_fold

ACCURACY_THRESHOLDS = np.arange(0, 4, 0.01)  # squared L2 distance
NORMAL_QUANTILE_95 = 1.959963984540054  # two-sided


@dataclass(frozen=True)
class KFoldAccuracy:
    """Accuracy over folds.

    ``mean`` and ``std`` (population) are over ``fold_accuracy``. ``interval`` is a 95 % Wilson interval for
    ``correct`` out of ``pairs``: unlike mean +- std it says how far the figure is known from so many pairs, it
    stays within [0, 1], and it does not treat as independent the folds, whose training parts overlap. It
    takes the pairs as independent, so where people recur in many pairs it is a little too narrow.
    """

    mean: float
    std: float
    interval: tuple[float, float]
    correct: int
    pairs: int
    fold_accuracy: tuple[float, ...]
    fold_threshold: tuple[float, ...]


def kfold_accuracy(distance, is_same, nfolds=10, thresholds=ACCURACY_THRESHOLDS):
    """Cross-validated accuracy of "the same person if distance < threshold".

    The folds are contiguous (`pair_folds`). Per fold the threshold is the first of those with the best
    accuracy on the other folds; a single fold is trained and tested on all pairs.

    Args:
        distance: (P,) float, squared L2 of unit vectors; or (nfolds, P), one row per fold's own projection.
        is_same: (P,) bool.
        thresholds: (T,) ascending.

    Raises:
        InputError: lengths differ, a distance that is not finite, or more folds than pairs.
    """
    distance, is_same = check_pairs(distance, is_same)
    # correct = accepted positives + rejected negatives = (accepted positives - accepted negatives) + all negatives
    sign = np.where(is_same, 1.0, -1.0)
    correct, size, fold_threshold = [], [], []
    for test, train_accepted, test_accepted in accepted_by_fold(distance, sign, thresholds, nfolds):
        best = np.argmax(train_accepted)
        correct.append(int(test_accepted[best]) + int(np.count_nonzero(~is_same[test])))
        size.append(test.stop - test.start)
        fold_threshold.append(float(thresholds[best]))
    fold_accuracy = np.divide(correct, size)
    return KFoldAccuracy(
        mean=float(fold_accuracy.mean()),
        std=float(fold_accuracy.std()),
        interval=wilson_interval(sum(correct), sum(size)),
        correct=sum(correct),
        pairs=sum(size),
        fold_accuracy=tuple(fold_accuracy.tolist()),
        fold_threshold=tuple(fold_threshold),
    )


def wilson_interval(successes, trials, quantile=NORMAL_QUANTILE_95):
    """Wilson's score interval (low, high) for a proportion (E. B. Wilson, JASA 1927)."""
    rate, z2 = successes / trials, quantile**2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = quantile / (1 + z2 / trials) * np.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
