"""Marginal loss: every pair on its own side of one distance."""

import numpy as np
import pytest

marginal = pytest.importorskip("insightrec.train.losses.marginal", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def oracle(unit, labels):
    total = 0
    for i, x in enumerate(unit):
        for j, z in enumerate(unit):
            if i != j:
                side = 1 if labels[i] == labels[j] else -1
                total += max(0, 0.3 + side * (((x - z) ** 2).sum() - 1.2))
    return total / (len(unit) ** 2 - len(unit))


def test_value_and_gradient(check_oracle):
    rng = np.random.default_rng(0)
    for labels in ([4, 1, 4, 7, 1, 4, 9], [0, 0, 0, 0], [0, 1, 2, 3]):
        check_oracle(marginal.MarginalLoss(), oracle, [rng.normal(size=(len(labels), 4))], labels)


def test_by_hand(value_and_gradients):
    """At right angles d^2 = 2: one identity 0.3 + 2 - 1.2 = 1.1, two 0.3 - 2 + 1.2 < 0. Equal: 0 or 1.5."""
    for rows, labels, expected in [
        ([0, 1], [3, 3], 1.1),
        ([0, 1], [3, 4], 0),
        ([0, 0], [3, 3], 0),
        ([0, 0], [3, 4], 1.5),
    ]:
        values, _ = value_and_gradients(marginal.MarginalLoss(), [np.eye(2)[rows]], labels)
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_one_image_has_no_pair(value_and_gradients):
    values, (gradient,) = value_and_gradients(marginal.MarginalLoss.from_options(None), [[[1, 2]]], [0])
    assert values.tolist() == [0]
    assert gradient.tolist() == [[0, 0]]


def test_finite(check_finite):
    check_finite(marginal.MarginalLoss(), 1, [0, 1, 1, 1, 0, 0, 2, 2, 3])
