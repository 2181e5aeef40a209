import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.eval.tar_at_far import FAR_TARGETS, tar_at_far
from insightrec.recordio_tools.errors import InputError


def naive(positive, negative, far):
    """Try every threshold that matters; returns (true accepts, false accepts) at the largest one allowed."""
    best = (0, 0)
    for threshold in sorted({*positive, *negative}):
        false_accepts = sum(d < threshold for d in negative)
        if false_accepts / len(negative) <= far:
            best = (sum(d < threshold for d in positive), false_accepts)
    return best


tied = st.lists(st.integers(0, 12).map(lambda step: step / 4), min_size=1, max_size=30)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tied, tied, st.sampled_from([1e-3, 0.1, 0.2, 1 / 3, 0.5, 0.9]))
def test_counts_are_those_of_trying_every_threshold(positive, negative, far):
    # a threshold above every distance accepts all negatives, so far < 1 never allows it
    is_same = [True] * len(positive) + [False] * len(negative)
    (point,) = tar_at_far(positive + negative, is_same, [far])
    assert (point.true_accepts, point.false_accepts) == naive(positive, negative, far)
    assert point.tar == point.true_accepts / len(positive)
    assert point.false_accepts == sum(d < point.threshold for d in negative)
    assert point.resolvable == (1 / len(negative) <= far)
    assert (point.positives, point.negatives) == (len(positive), len(negative))
    # the next larger number would be too large a threshold
    assert sum(d < np.nextafter(point.threshold, 5) for d in negative) / len(negative) > far


def test_by_hand():
    negative = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]
    positive = [0.2, 0.5, 1.05, 1.1]
    is_same = [False] * 10 + [True] * 4
    tenth, hundredth = tar_at_far(negative + positive, is_same, [0.1, 0.01])
    assert (tenth.threshold, tenth.false_accepts, tenth.true_accepts) == (1.1, 1, 3)  # 1.1 itself is not below 1.1
    assert (hundredth.threshold, hundredth.false_accepts, hundredth.tar) == (1.0, 0, 0.5)
    assert tenth.resolvable
    assert not hundredth.resolvable


@pytest.mark.parametrize("negatives", [10, 1000, 3000, 3500, 100000])
@pytest.mark.parametrize("far", FAR_TARGETS)
def test_decimal_targets_allow_exactly_their_share(negatives, far):
    """3 of 3000 is 1e-3: no rounding may make it 2 or 4."""
    allowed = negatives // round(1 / far)
    distance = np.append(np.arange(negatives) + 1.0, 0.0)
    (point,) = tar_at_far(distance, np.append(np.zeros(negatives), 1), [far])
    assert point.false_accepts == allowed


def test_undefined_rates_are_input_errors():
    with pytest.raises(InputError, match="found 2 and 0; accept rates are not defined"):
        tar_at_far([0.1, 0.2], [True, True])
    with pytest.raises(InputError, match="found 0 and 1"):
        tar_at_far([0.1], [False])
    for far in (0, 1, -0.1, float("nan")):
        with pytest.raises(InputError, match="rate between 0 and 1"):
            tar_at_far([0.1, 0.2], [True, False], [far])
