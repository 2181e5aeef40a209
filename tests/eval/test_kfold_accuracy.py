import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from insightrec.eval.kfold_accuracy import ACCURACY_THRESHOLDS, kfold_accuracy, wilson_interval
from insightrec.recordio_tools.errors import InputError


def naive_kfold(distance, is_same, nfolds, thresholds):
    """The protocol as a loop over folds and thresholds; returns (fold accuracies, fold thresholds)."""
    everything = np.arange(len(is_same))
    folds = [(everything, everything)] if nfolds == 1 else KFold(nfolds, shuffle=False).split(everything)
    accuracies, chosen = [], []
    for fold, (train, test) in enumerate(folds):
        row = distance[fold] if distance.ndim == 2 else distance
        scores = [np.mean((row[train] < t) == is_same[train]) for t in thresholds]
        best = int(np.argmax(scores))
        chosen.append(float(thresholds[best]))
        accuracies.append(float(np.mean((row[test] < thresholds[best]) == is_same[test])))
    return accuracies, chosen


# distances on thresholds, between them, at both ends, beyond both ends, and anything else
distances = st.one_of(
    st.sampled_from([0.0, 0.01, 0.07, 0.29, 1.45, 1.455, 2.0, 3.99, 3.995, 4.0, -1e-17, 4.0000001]),
    st.sampled_from(ACCURACY_THRESHOLDS.tolist()),
    st.floats(0, 4.1),
)


@st.composite
def pair_lists(draw):
    pairs = draw(st.integers(1, 40))
    nfolds = draw(st.integers(1, min(pairs, 12)))
    rows = nfolds if draw(st.booleans()) else 1
    flags = st.one_of(st.booleans(), st.just(draw(st.booleans())))  # often all of one kind
    distance = [draw(st.lists(distances, min_size=pairs, max_size=pairs)) for _ in range(rows)]
    is_same = draw(st.lists(flags, min_size=pairs, max_size=pairs))
    return np.squeeze(distance, 0) if rows == 1 else np.array(distance), np.array(is_same), nfolds


@settings(max_examples=120, deadline=None, derandomize=True)
@given(pair_lists())
def test_every_figure_is_the_naive_loops(case):
    distance, is_same, nfolds = case
    accuracies, chosen = naive_kfold(distance, is_same, nfolds, ACCURACY_THRESHOLDS)
    found = kfold_accuracy(distance, is_same, nfolds)
    assert list(found.fold_accuracy) == accuracies
    assert list(found.fold_threshold) == chosen
    assert found.mean == np.mean(accuracies)
    assert found.std == np.std(accuracies)


@pytest.mark.parametrize("nfolds", [1, 10])
def test_a_thousand_overlapping_pairs_are_the_naive_loops(nfolds):
    rng = np.random.default_rng(nfolds)
    is_same = np.tile(np.repeat([True, False], 50), 10)
    distance = rng.normal(np.where(is_same, 1.0, 1.9), 0.4).clip(0, 4)
    found = kfold_accuracy(distance, is_same, nfolds)
    assert (list(found.fold_accuracy), list(found.fold_threshold)) == naive_kfold(
        distance, is_same, nfolds, ACCURACY_THRESHOLDS
    )
    assert 0.7 < found.mean < 0.99
    assert found.correct == round(found.mean * 1000)


def test_the_first_of_equally_good_thresholds_is_taken():
    found = kfold_accuracy([0.5, 0.5, 1.5, 1.5], [True, True, False, False], nfolds=2)
    # fold 0 trains on two negatives (threshold 0 is perfect), fold 1 on two positives (0.51 is the first)
    assert found.fold_threshold == (0.0, 0.51)
    assert found.fold_accuracy == (0.0, 1.0)
    assert kfold_accuracy([0.5, 0.5, 1.5, 1.5], [True, True, False, False], nfolds=1).fold_threshold == (0.51,)


def test_pairs_of_one_kind_are_scored():
    found = kfold_accuracy([0.4] * 9 + [3.0], [True] * 10, nfolds=10)
    assert found.fold_accuracy == (1.0,) * 9 + (0.0,)
    assert found.mean == pytest.approx(0.9)
    assert found.std == pytest.approx(0.3)


def test_fewer_pairs_than_folds_is_an_input_error():
    with pytest.raises(InputError, match="expected 1 to 3 folds"):
        kfold_accuracy([0.1, 0.2, 0.3], [True, False, True], nfolds=10)


def test_wilson_interval_holds_its_definition():
    # the ends are the rates p at which the observed share lies 1.96 standard errors away: (k/n - p)^2 = z^2 p(1-p)/n
    for successes, trials in [(5947, 6000), (9, 10), (1, 2)]:
        for end in wilson_interval(successes, trials):
            gap = (successes / trials - end) ** 2
            assert gap == pytest.approx(1.959963984540054**2 * end * (1 - end) / trials)


def test_wilson_interval_stays_within_0_and_1():
    low, high = wilson_interval(10, 10)
    assert 0 < low < 1 - 1e-3
    assert 1 - 1e-12 < high <= 1
    assert 0 <= wilson_interval(0, 10)[0] < 1e-12


def test_result_is_plain_numbers():
    found = kfold_accuracy(np.array([0.1, 3.0], np.float32), np.array([1, 0]), nfolds=2)
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["pairs"] == 2
