import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from insightrec.eval.validation_rate import VALIDATION_THRESHOLDS, interpolated_threshold, validation_rate
from insightrec.recordio_tools.errors import InputError

COARSE = np.arange(0, 4, 0.05)


def share(accepted):
    return sum(accepted.tolist()) / len(accepted) if len(accepted) else None


def naive_validation(distance, is_same, nfolds, far_target, thresholds):
    """The protocol as a loop; returns (rates, false accept rates, thresholds) per fold, None where undefined."""
    everything = np.arange(len(is_same))
    folds = [(everything, everything)] if nfolds == 1 else KFold(nfolds, shuffle=False).split(everything)
    rates, fars, chosen = [], [], []
    for fold, (train, test) in enumerate(folds):
        row = distance[fold] if distance.ndim == 2 else distance
        negatives = row[train][~is_same[train]]
        threshold = rate = far = None
        if len(negatives):
            far_train = [share(negatives < t) for t in thresholds]
            threshold = float(np.interp(far_target, far_train, thresholds)) if max(far_train) >= far_target else 0.0
            rate = share(row[test][is_same[test]] < threshold)
            far = share(row[test][~is_same[test]] < threshold)
        rates.append(rate)
        fars.append(far)
        chosen.append(threshold)
    return rates, fars, chosen


@st.composite
def pair_lists(draw):
    pairs = draw(st.integers(1, 40))
    nfolds = draw(st.integers(1, min(pairs, 12)))
    rows = nfolds if draw(st.booleans()) else 1
    flags = st.one_of(st.booleans(), st.just(draw(st.booleans())))
    values = st.one_of(st.sampled_from([0.0, 0.05, 1.0, 1.01, 3.95, 4.0]), st.floats(0, 4.1))
    distance = [draw(st.lists(values, min_size=pairs, max_size=pairs)) for _ in range(rows)]
    is_same = draw(st.lists(flags, min_size=pairs, max_size=pairs))
    return np.squeeze(distance, 0) if rows == 1 else np.array(distance), np.array(is_same), nfolds


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pair_lists(), st.sampled_from([1e-3, 0.1, 0.25, 0.5]))
def test_every_fold_is_the_naive_loops(case, far_target):
    distance, is_same, nfolds = case
    rates, fars, chosen = naive_validation(distance, is_same, nfolds, far_target, COARSE)
    found = validation_rate(distance, is_same, nfolds, far_target, COARSE)
    assert list(found.fold_rate) == rates
    assert list(found.fold_far) == fars
    assert list(found.fold_threshold) == chosen
    defined = [rate for rate in rates if rate is not None]
    assert found.mean == (np.mean(defined) if defined else None)
    assert found.std == (np.std(defined) if defined else None)
    assert found.undefined_folds == tuple(fold for fold in range(nfolds) if rates[fold] is None or fars[fold] is None)


def test_protocol_grid_is_the_naive_loops():
    rng = np.random.default_rng(5)
    is_same = np.tile(np.repeat([True, False], 50), 10)
    distance = rng.normal(np.where(is_same, 1.0, 1.9), 0.4).clip(0, 4)
    found = validation_rate(distance, is_same, 10, 1e-2)
    expected = naive_validation(distance, is_same, 10, 1e-2, VALIDATION_THRESHOLDS)
    assert (list(found.fold_rate), list(found.fold_far), list(found.fold_threshold)) == expected
    assert 0 < found.mean < 1
    assert found.undefined_folds == ()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.sampled_from([0.01, 0.25, 1 / 3, 0.5, 1.0]))
def test_tied_rates_are_resolved_as_numpy_interp_does(steps, far_target):
    rates = np.cumsum([0, *steps]) / max(sum(steps), 1)
    thresholds = np.linspace(0, 1, len(rates))
    expected = np.interp(far_target, rates, thresholds) if rates[-1] >= far_target else 0
    assert interpolated_threshold(rates, thresholds, far_target) == expected


@pytest.mark.parametrize("nfolds", [0, -1, 3])
def test_impossible_fold_counts_are_refused(nfolds):
    with pytest.raises(InputError, match="expected 1 to 2 folds"):
        validation_rate([0.1, 0.2], [True, False], nfolds)


def test_threshold_by_hand():
    thresholds = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    far = np.array([0.0, 0.0, 0.2, 0.2, 0.6])
    assert interpolated_threshold(far, thresholds, 0.1) == 1.5  # half way from the last 0 to the first above
    assert interpolated_threshold(far, thresholds, 0.2) == 3.0  # reached exactly: the last threshold with this rate
    assert interpolated_threshold(far, thresholds, 0.4) == pytest.approx(3.5)
    assert interpolated_threshold(far, thresholds, 0.7) == 0.0  # never reached: accept nothing


def test_positives_first_pack_is_reported_and_does_not_divide_by_zero():
    is_same = np.repeat([True, False], 10)
    found = validation_rate(np.linspace(0.1, 2.0, 20), is_same, nfolds=4, far_target=0.25)
    assert found.undefined_folds == (0, 1, 2, 3)  # two folds without negatives, two without positives
    assert found.fold_rate[2:] == (None, None)
    assert found.fold_far[:2] == (None, None)
    assert found.mean == 1.0  # over the two folds that have positives


def test_pack_without_negatives_has_no_validation_rate():
    found = validation_rate([0.1] * 10, [True] * 10)
    assert (found.mean, found.std, found.far) == (None, None, None)
    assert found.undefined_folds == tuple(range(10))
    assert '"mean": null' in json.dumps(asdict(found), allow_nan=False)


def test_negatives_all_in_one_fold_leave_that_fold_without_a_threshold():
    is_same = np.array([True] * 5 + [False] * 5)
    found = validation_rate(np.linspace(0.1, 2, 10), is_same, nfolds=2)
    assert found.fold_threshold[1] is None
    assert found.fold_threshold[0] is not None
