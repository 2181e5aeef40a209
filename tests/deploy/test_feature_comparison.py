"""Distances of unit vectors, from the angle between them."""

import math

import numpy as np
import pytest

from insightrec.deploy.feature_comparison import THRESHOLD, compare_features


def at(degrees):
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], np.float32)


@pytest.mark.parametrize(
    ("degrees", "distance", "cosine"), [(0, 0, 1), (60, 1, 0.5), (90, 2, 0), (120, 3, -0.5), (180, 4, -1)]
)
def test_distance_and_cosine_by_angle(degrees, distance, cosine):
    found = compare_features(at(17), at(17 + degrees))
    assert found.distance == pytest.approx(distance, abs=1e-6)
    assert found.cosine == pytest.approx(cosine, abs=1e-6)


def test_the_threshold_is_a_cosine_of_one_minus_its_half():
    limit = math.degrees(math.acos(1 - THRESHOLD / 2))
    assert THRESHOLD == 1.24
    assert compare_features(at(0), at(limit - 0.01)).is_same
    assert not compare_features(at(0), at(limit + 0.01)).is_same


def test_a_distance_at_the_threshold_is_not_below_it():
    assert not compare_features([1.0, 0.0], [0.0, 1.0], 2).is_same
    assert not compare_features(at(5), at(5), 0).is_same
    assert compare_features(at(5), at(5), 0.01).is_same
