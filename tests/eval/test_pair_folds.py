import numpy as np
import pytest
from sklearn.model_selection import KFold

from insightrec.eval.pair_folds import accepted_by_fold, pair_folds
from insightrec.recordio_tools.errors import InputError


@pytest.mark.parametrize(("pairs", "nfolds"), [(10, 10), (11, 10), (19, 10), (6000, 10), (7, 2), (5, 3)])
def test_folds_are_those_of_scikit_learn(pairs, nfolds):
    expected = [test for _, test in KFold(nfolds, shuffle=False).split(np.zeros(pairs))]
    found = [np.arange(pairs)[fold] for fold in pair_folds(pairs, nfolds)]
    assert len(found) == nfolds
    for ours, theirs in zip(found, expected):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("nfolds", [0, -1, 11])
def test_impossible_fold_counts_are_refused(nfolds):
    with pytest.raises(InputError, match=f"expected 1 to 10 folds .* found {nfolds}"):
        pair_folds(10, nfolds)


def test_a_distance_on_a_threshold_is_not_accepted_by_it():
    ((test, train, inside),) = accepted_by_fold(
        np.array([0.0, 0.5, 0.5, 2.0]), np.ones(4), np.array([0.0, 0.5, 1.0]), 1
    )
    assert test == slice(0, 4)
    assert train.tolist() == inside.tolist() == [0, 1, 3]


def test_each_fold_counts_under_its_own_row():
    rows = np.array([[0.1, 0.1, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1]])
    folds = list(accepted_by_fold(rows, np.array([1.0, 2.0, 4.0, 8.0]), np.array([0.5]), 2))
    assert [(train[0], inside[0]) for _, train, inside in folds] == [(0, 3), (0, 12)]
