"""N-pair loss: every first image finds its second one."""

import math

import numpy as np
import pytest

npair = pytest.importorskip("insightrec.train.losses.npair", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def oracle(unit, labels):
    places = {label: [i for i in range(len(labels)) if labels[i] == label][:2] for label in labels}
    pairs = [both for both in places.values() if len(both) == 2]
    losses = []
    for first, second in pairs:
        own = unit[first] @ unit[second]
        losses.append(math.log(sum(math.exp(unit[first] @ unit[other] - own) for _, other in pairs)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [5, 3, 8, 3, 8, 5], [4, 1, 4, 7, 1, 4, 9, 9]])
def test_value_and_gradient(labels, check_oracle):
    check_oracle(npair.NPairLoss(), oracle, [np.random.default_rng(0).normal(size=(len(labels), 4))], labels)


def test_by_hand(value_and_gradients):
    """Two identities at right angles: log(1 + 1/e), at the first image of each, for four images twice that."""
    values, _ = value_and_gradients(npair.NPairLoss(), [np.eye(2)[[0, 1, 1, 0]]], [6, 5, 5, 6])
    np.testing.assert_allclose(values, 2 * np.log1p(np.exp(-1)) * np.array([1, 1, 0, 0]), rtol=1e-6)


@pytest.mark.parametrize("labels", [[0, 1, 2], [7], [1, 1]])
def test_without_two_pairs_it_is_zero(labels, value_and_gradients):
    values, (gradient,) = value_and_gradients(npair.NPairLoss.from_options(None), [np.eye(3)[: len(labels)]], labels)
    assert not values.any()
    assert not gradient.any()


def test_finite(check_finite):
    check_finite(npair.NPairLoss(), 1, [0, 1, 1, 0, 2, 3, 2, 3, 4])
