"""The receiver operating characteristic of a list of pairs, and the equal error rate on it."""

from dataclasses import dataclass

import numpy as np

from insightrec.eval.pair_distance import check_pairs
from insightrec.recordio_tools.errors import InputError


@dataclass(frozen=True)
class RocCurve:
    """Every operating point, K = distinct distances + 1, from "accept nothing" to "accept all".

    threshold, far, tar: float64 (K,), non-decreasing; a pair is accepted if distance < threshold.
    """

    threshold: np.ndarray
    far: np.ndarray
    tar: np.ndarray
    negatives: int
    positives: int


@dataclass(frozen=True)
class EqualErrorRate:
    """``rate`` where the false accept and the false reject rate meet; ``threshold`` of the nearest point past it."""

    rate: float
    threshold: float


def roc_curve(distance, is_same):
    """ROC of distances (P,) with same-person flags (P,) bool; no point is dropped.

    Raises:
        InputError: lengths differ, a distance that is not finite, or only one kind of pair.
    """
    distance, is_same = check_pairs(distance, is_same)
    positive, negative = split_sorted(distance, is_same)
    threshold = np.unique(distance)
    threshold = np.append(threshold, np.nextafter(threshold[-1], np.inf))
    return RocCurve(
        threshold=threshold,
        far=np.searchsorted(negative, threshold, side="left") / len(negative),
        tar=np.searchsorted(positive, threshold, side="left") / len(positive),
        negatives=len(negative),
        positives=len(positive),
    )


def equal_error_rate(roc):
    """Equal error rate: where the ROC, its points joined by straight lines, crosses FAR = 1 - TAR."""
    reject = 1 - roc.tar
    after = int(np.argmax(roc.far >= reject))  # > 0: the first point has far 0 and reject 1; the last 1 and 0
    before = after - 1
    gap_before, gap_after = reject[before] - roc.far[before], roc.far[after] - reject[after]
    step = gap_before / (gap_before + gap_after)
    rate = roc.far[before] + step * (roc.far[after] - roc.far[before])
    return EqualErrorRate(rate=float(rate), threshold=float(roc.threshold[after]))


def split_sorted(distance, is_same):
    """(positive, negative) distances, each ascending.

    Raises:
        InputError: one of the two kinds is absent.
    """
    positive, negative = np.sort(distance[is_same]), np.sort(distance[~is_same])
    if not len(positive) or not len(negative):
        raise InputError(
            f"expected pairs of one person and pairs of two people, found {len(positive)} and {len(negative)}; "
            "accept rates are not defined"
        )
    return positive, negative
