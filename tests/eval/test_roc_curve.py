import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve as sklearn_roc_curve

from insightrec.eval.roc_curve import equal_error_rate, roc_curve
from insightrec.recordio_tools.errors import InputError

tied = st.lists(st.integers(0, 12).map(lambda step: step / 4), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(tied, tied)
def test_points_are_scikit_learns(positive, negative):
    distance = np.array(positive + negative)
    is_same = np.array([True] * len(positive) + [False] * len(negative))
    far, tar, _ = sklearn_roc_curve(is_same, -distance, drop_intermediate=False)
    found = roc_curve(distance, is_same)
    np.testing.assert_allclose(found.far, far, rtol=1e-15)
    np.testing.assert_allclose(found.tar, tar, rtol=1e-15)
    for threshold, far_there, tar_there in zip(found.threshold, found.far, found.tar):
        assert far_there == np.mean(np.array(negative) < threshold)
        assert tar_there == np.mean(np.array(positive) < threshold)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(tied, tied)
def test_equal_error_rate_lies_on_the_roc_and_on_the_diagonal(positive, negative):
    roc = roc_curve(np.array(positive + negative), [True] * len(positive) + [False] * len(negative))
    found = equal_error_rate(roc)
    # np.interp along the curve's length: far - (1 - tar) never falls, so it finds the same crossing
    balance = roc.far - (1 - roc.tar)
    rising = np.append(True, np.diff(balance) > 0)
    assert found.rate == pytest.approx(np.interp(0, balance[rising], roc.far[rising]), abs=1e-12)
    assert 0 <= found.rate <= 1


def test_equal_error_rate_by_hand():
    # negatives 1 2 3 4, positives 0 0 0 2.5: accepting d < 2.5 gives FAR 2/4, FRR 1/4; d < 2 gives 1/4 and 1/4
    roc = roc_curve([1, 2, 3, 4, 0, 0, 0, 2.5], [False] * 4 + [True] * 4)
    found = equal_error_rate(roc)
    assert (found.rate, found.threshold) == (0.25, 2.0)


def test_separable_pairs_have_no_error_and_inverted_ones_only_error():
    is_same = [True, True, False, False]
    assert equal_error_rate(roc_curve([0.1, 0.2, 1.8, 1.9], is_same)).rate == 0
    assert equal_error_rate(roc_curve([1.8, 1.9, 0.1, 0.2], is_same)).rate == 1


def test_one_kind_of_pair_has_no_roc():
    with pytest.raises(InputError, match="found 0 and 2"):
        roc_curve([0.1, 0.2], [False, False])
