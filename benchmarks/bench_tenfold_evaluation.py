"""The 10-fold evaluation of 6,000 pairs, against the loop over thresholds that InsightFace's tool runs.

The loop is that arithmetic restated: for each fold and each of 400 thresholds the accuracy on the
training pairs, and for each of 4,000 the false accept rate, each a pass over the distances.
"""

import numpy as np
from side_by_side import compare
from sklearn.model_selection import KFold

from insightrec.eval.kfold_accuracy import kfold_accuracy
from insightrec.eval.validation_rate import validation_rate

FOLDS, PAIRS_PER_FOLD = 10, 600


def accuracy(threshold, distance, is_same):
    accepted = np.less(distance, threshold)
    true_accepts = np.sum(np.logical_and(accepted, is_same))
    true_rejects = np.sum(np.logical_and(np.logical_not(accepted), np.logical_not(is_same)))
    return float(true_accepts + true_rejects) / distance.size


def rates(threshold, distance, is_same):
    accepted = np.less(distance, threshold)
    true_accepts = np.sum(np.logical_and(accepted, is_same))
    false_accepts = np.sum(np.logical_and(accepted, np.logical_not(is_same)))
    return true_accepts / np.sum(is_same), false_accepts / np.sum(np.logical_not(is_same))


def loop(distance, is_same):
    """Fold accuracies, and validation rates at a false accept rate of 1e-3."""
    accuracies, validation = [], []
    fine = np.arange(0, 4, 0.001)
    for train, test in KFold(FOLDS).split(distance):
        coarse = np.arange(0, 4, 0.01)
        best = np.argmax([accuracy(threshold, distance[train], is_same[train]) for threshold in coarse])
        accuracies.append(accuracy(coarse[best], distance[test], is_same[test]))
        far = np.array([rates(threshold, distance[train], is_same[train])[1] for threshold in fine])
        threshold = np.interp(1e-3, far, fine) if far.max() >= 1e-3 else 0.0
        validation.append(rates(threshold, distance[test], is_same[test])[0])
    return accuracies, validation


def main():
    """Time both on distances like those of LFW; the figures must be the same."""
    rng = np.random.default_rng(0)
    is_same = np.tile(np.repeat([True, False], PAIRS_PER_FOLD // 2), FOLDS)
    distance = np.clip(np.where(is_same, rng.normal(0.8, 0.3, is_same.size), rng.normal(1.9, 0.2, is_same.size)), 0, 4)

    def ours():
        return kfold_accuracy(distance, is_same), validation_rate(distance, is_same)

    ours_accuracy, ours_validation = ours()
    assert (list(ours_accuracy.fold_accuracy), list(ours_validation.fold_rate)) == loop(distance, is_same)

    compare(
        "tenfold_evaluation",
        "10 folds of 600 pairs",
        ours,
        lambda: loop(distance, is_same),
        incumbent_name="loop",
        ours_calls=20,
    )


if __name__ == "__main__":
    main()
