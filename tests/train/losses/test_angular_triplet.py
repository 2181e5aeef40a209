"""Triplet loss in angles."""

import math

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

angular_triplet = pytest.importorskip("insightrec.train.losses.angular_triplet", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def oracle(anchor, positive, negative):
    losses = [max(0, math.acos(a @ p) - math.acos(a @ n) + 0.5) for a, p, n in zip(anchor, positive, negative)]
    return sum(losses) / len(losses)


def test_value_and_gradient(check_oracle):
    check_oracle(angular_triplet.AngularTripletLoss(0.5), oracle, np.random.default_rng(0).normal(size=(3, 8, 4)))


def test_by_hand(value_and_gradients):
    """Positive at 60 degrees; negatives at 90, 150 and 45 degrees; a margin of 45 degrees."""
    negative = [[0, 9], [-math.sqrt(3), 1], [3, 3]]
    arrays = [[[1, 0]] * 3, [[0.5, math.sqrt(3) / 2]] * 3, negative]
    values, _ = value_and_gradients(angular_triplet.AngularTripletLoss(math.pi / 4), arrays)
    np.testing.assert_allclose(np.degrees(values), [15, 0, 60], atol=1e-3)


def test_finite(check_finite):
    check_finite(angular_triplet.AngularTripletLoss(), 3)


def test_options(options):
    assert angular_triplet.AngularTripletLoss.from_options(options(margin_m=0.4)).margin_rad == 0.4
    for margin in (0, -0.3, 3.2, math.nan):
        with pytest.raises(InputError, match="--margin-m .*: expected radians, 0 < m < pi"):
            angular_triplet.AngularTripletLoss.from_options(options(margin_m=margin))
