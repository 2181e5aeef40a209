"""Contiguous folds over a list of pairs, and how many pairs each threshold accepts inside and outside each fold.

Every per-fold figure of the verification protocol is a function of such counts. A distance is placed
among the thresholds once (a binary search), and one histogram per fold answers all thresholds together.
"""

import numpy as np

from insightrec.recordio_tools.errors import InputError


def pair_folds(pairs, nfolds):
    """Cut ``pairs`` consecutive pairs into ``nfolds`` slices, the first ``pairs % nfolds`` one pair longer.

    These are the test parts of ``sklearn.model_selection.KFold(nfolds, shuffle=False)``.

    Raises:
        InputError: fewer than one fold, or more folds than pairs.
    """
    if not 1 <= nfolds <= pairs:
        raise InputError(f"expected 1 to {pairs} folds (the number of pairs), found {nfolds}; change --nfolds")
    size, longer = divmod(pairs, nfolds)
    ends = np.cumsum([size + (fold < longer) for fold in range(nfolds)]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends)]


def accepted_by_fold(distance, weight, thresholds, nfolds):
    """For each fold, the weight of the pairs accepted (distance < threshold) outside the fold and in it.

    With a single fold the same pairs are train and test.

    Args:
        distance: (P,) float; or (nfolds, P): row f holds the distances of all pairs under fold f's own projection.
        weight: (P,) numbers to add up, e.g. 1 for a pair of two people and 0 for another.
        thresholds: (T,) float, ascending.

    Yields:
        (test, train_accepted, test_accepted) per fold: the slice of its pairs and two float64 (T,) arrays.
    """
    # bin b: the pair is accepted by thresholds b, b + 1, ...; the last bin by none
    bins = np.searchsorted(thresholds, distance, side="right")
    folds = pair_folds(bins.shape[-1], nfolds)
    length = len(thresholds) + 1
    for row, test in zip(np.broadcast_to(bins, (nfolds, bins.shape[-1])), folds):
        inside = np.bincount(row[test], weight[test], length).cumsum()[:-1]
        everywhere = np.bincount(row, weight, length).cumsum()[:-1]
        yield test, everywhere if nfolds == 1 else everywhere - inside, inside
