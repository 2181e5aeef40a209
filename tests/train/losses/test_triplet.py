"""Triplet loss in squared distance."""

import math

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

triplet = pytest.importorskip("insightrec.train.losses.triplet", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def oracle(anchor, positive, negative):
    losses = [max(0, ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 0.3) for a, p, n in zip(anchor, positive, negative)]
    return sum(losses) / len(losses)


def test_value_and_gradient(check_oracle):
    check_oracle(triplet.TripletLoss(0.3), oracle, np.random.default_rng(0).normal(size=(3, 8, 4)))


def test_by_hand(value_and_gradients):
    """Positive at 60 degrees, d^2 = 1; negatives at 90, 180 and 45 degrees, d^2 = 2, 4 and 0.586."""
    anchor, positive = [[1, 0]] * 3, [[0.5, math.sqrt(3) / 2]] * 3
    values, _ = value_and_gradients(triplet.TripletLoss(1.2), [anchor, positive, [[0, 9], [-7, 0], [3, 3]]])
    np.testing.assert_allclose(values, [0.2, 0, 1.2 + math.sqrt(2) - 1], atol=1e-6)


def test_finite(check_finite):
    check_finite(triplet.TripletLoss(), 3)


def test_options(options):
    assert triplet.TripletLoss.from_options(options(triplet_alpha=0.2)).alpha == 0.2
    for alpha in (0, -0.3, 4.5, math.nan):
        with pytest.raises(InputError, match="--triplet-alpha .*: expected a squared distance .*0 < alpha <= 4"):
            triplet.TripletLoss.from_options(options(triplet_alpha=alpha))
