"""Distances of unit vectors, from the angle between them."""

import math

import numpy as np
import pytest

from insightrec.deploy.feature_comparison import THRESHOLD, compare_features
from insightrec.recordio_tools.errors import InputError


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


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (0 * at(30), "finite numbers of length 1, found length 0; divide it by its L2 norm"),
        (5 * at(30), "finite numbers of length 1, found length 5; "),
        (1.002 * at(30), "finite numbers of length 1, found length 1.002; "),
        (0.998 * at(30), "finite numbers of length 1, found length 0.998; "),
        ([math.nan, 1.0], "finite numbers of length 1, found length nan; "),
        ([math.inf, 1.0], "finite numbers of length 1, found length inf; "),
        ([1e300, 1e300], "finite numbers of length 1, found length inf; "),
        ([[1.0, 0.0]], r"numbers \(D,\), found float64 \(1, 2\)"),
        (1.0, r"numbers \(D,\), found float64 \(\)"),
        ([], "finite numbers of length 1, found length 0; "),
        (["1", "0"], r"numbers \(D,\), found <U1 \(2,\)"),
        (None, r"numbers \(D,\), found object \(\)"),
        ([True, False], r"numbers \(D,\), found bool \(2,\)"),
    ],
)
def test_what_is_no_feature_of_unit_length_gets_no_verdict(wrong, found):
    for pair, place in (((wrong, at(0)), "first"), ((at(0), wrong), "second")):
        with pytest.raises(InputError, match=f"^{place} feature: expected {found}") as raised:
            compare_features(*pair)
        assert "\n" not in str(raised.value)


def test_features_of_another_model():
    with pytest.raises(InputError, match="expected two of as many numbers, found 2 and 3; are they of one model"):
        compare_features(at(0), [1.0, 0.0, 0.0])


def test_lengths_that_are_nearly_one():
    assert compare_features(at(10).astype(np.float16), 1.0009 * at(10)).is_same
    rounded = np.random.default_rng(0).normal(size=512)
    rounded = (rounded / np.linalg.norm(rounded)).astype(np.float16)
    assert compare_features(rounded, rounded).distance == 0


@pytest.mark.parametrize("threshold", [-0.1, 4.1, math.nan])
def test_thresholds_out_of_range(threshold):
    with pytest.raises(InputError, match="threshold: expected a squared distance, 0 to 4, found"):
        compare_features(at(0), at(0), threshold)
