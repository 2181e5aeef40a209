"""VAL at a false accept rate, by cross-validation (Schroff et al., "FaceNet", CVPR 2015, section 4)."""

from dataclasses import dataclass
from typing import Optional

import numpy as np

from insightrec.eval.pair_distance import check_pairs
from insightrec.eval.pair_folds import accepted_by_fold

VALIDATION_THRESHOLDS = np.arange(0, 4, 0.001)  # squared L2 distance


@dataclass(frozen=True)
class ValidationRate:
    """Per fold: the share of its positives, and of its negatives, accepted at the threshold set on the others.

    ``mean`` and ``std`` (population) are over the defined entries of ``fold_rate``, ``far`` is the mean of those
    of ``fold_far``; each is None when there are none. A rate is None in a fold without pairs of its kind, and
    both are, with the threshold, where the other folds hold no negative. ``undefined_folds`` (from 0) lists
    every fold with a None.
    """

    far_target: float
    mean: Optional[float]
    std: Optional[float]
    far: Optional[float]
    fold_rate: tuple[Optional[float], ...]
    fold_far: tuple[Optional[float], ...]
    fold_threshold: tuple[Optional[float], ...]
    undefined_folds: tuple[int, ...]


def validation_rate(distance, is_same, nfolds=10, far_target=1e-3, thresholds=VALIDATION_THRESHOLDS):
    """Cross-validated validation rate (true accept rate) at ``far_target``.

    Per fold the threshold is interpolated linearly, as a function of the false accept rate on the other
    folds, at ``far_target`` (`interpolated_threshold`); it is 0, which accepts nothing, if that rate never
    gets there. A pair is accepted if distance < threshold.

    Args:
        distance: (P,) float, squared L2 of unit vectors; or (nfolds, P), one row per fold's own projection.
        is_same: (P,) bool.

    Raises:
        InputError: lengths differ, a distance that is not finite, or more folds than pairs.
    """
    distance, is_same = check_pairs(distance, is_same)
    negative = (~is_same).astype(np.float64)
    rates, fars, fold_threshold = [], [], []
    counts = accepted_by_fold(distance, negative, thresholds, nfolds)
    for fold, (test, train_false_accepts, _) in enumerate(counts):
        test_negatives = negative[test].sum()
        train_negatives = negative.sum() - (test_negatives if nfolds > 1 else 0)
        threshold = rate = far = None
        if train_negatives:
            threshold = interpolated_threshold(train_false_accepts / train_negatives, thresholds, far_target)
            accepted = (distance[fold] if distance.ndim == 2 else distance)[test] < threshold
            rate = _share(accepted[is_same[test]])
            far = _share(accepted[~is_same[test]])
        rates.append(rate)
        fars.append(far)
        fold_threshold.append(threshold)
    defined = [rate for rate in rates if rate is not None]
    defined_far = [far for far in fars if far is not None]
    return ValidationRate(
        far_target=far_target,
        mean=float(np.mean(defined)) if defined else None,
        std=float(np.std(defined)) if defined else None,
        far=float(np.mean(defined_far)) if defined_far else None,
        fold_rate=tuple(rates),
        fold_far=tuple(fars),
        fold_threshold=tuple(fold_threshold),
        undefined_folds=tuple(fold for fold in range(nfolds) if rates[fold] is None or fars[fold] is None),
    )


def interpolated_threshold(far, thresholds, far_target):
    """The threshold at which ``far`` (T,), non-decreasing from 0, reaches ``far_target`` > 0; 0 if it never does.

    A false accept rate is a staircase, so many thresholds share one rate. The line is drawn from the last
    threshold at or below the target to the first above it, which is what ``numpy.interp`` does.
    """
    if far[-1] < far_target:
        return 0.0
    below = np.searchsorted(far, far_target, side="right") - 1
    if far[below] == far_target:
        return float(thresholds[below])
    slope = (thresholds[below + 1] - thresholds[below]) / (far[below + 1] - far[below])
    return float(slope * (far_target - far[below]) + thresholds[below])


def _share(accepted):
    return float(accepted.mean()) if len(accepted) else None
