import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from insightrec.megaface.devkit_score import scorable, score_matrix, score_pairs
from insightrec.recordio_tools.errors import FeatureError

FLOAT = np.float32
NUMBERS = st.floats(-(2.0**50), 2.0**50, width=32)  # subnormal numbers and -0 too


def score(a, b):
    """The definition, one float32 operation after the other."""

    def norm(vector):
        total = 0.0
        for number in vector:
            total = total + float(number) * float(number)
        return FLOAT(-total)

    dot = FLOAT(0)
    for left, right in zip(a, b):
        dot = FLOAT(dot + FLOAT(left * right))
    return FLOAT(FLOAT(dot + dot) + FLOAT(norm(a) + norm(b)))


def bits(array):
    return np.asarray(array, np.float32).view(np.uint32)


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 9)).flatmap(
        lambda shape: st.tuples(
            npst.arrays(np.float32, (shape[0], shape[2]), elements=NUMBERS),
            npst.arrays(np.float32, (shape[1], shape[2]), elements=NUMBERS),
        )
    )
)
def test_every_bit_of_the_definition(features):
    first, second = features
    expected = bits([[score(a, b) for b in second] for a in first])
    left, right = scorable(first), scorable(second)
    assert np.array_equal(bits(score_matrix(left, right)), expected)
    rows, columns = np.indices(expected.shape).reshape(2, -1)
    assert np.array_equal(bits(score_pairs(left, right, rows, columns)).reshape(expected.shape), expected)


def test_tiles_and_batches_do_not_show():
    random = np.random.default_rng(1)
    first = random.standard_normal((35, 70), np.float32) * 3
    second = random.standard_normal((1100, 70), np.float32)
    left, right = scorable(first), scorable(second)
    matrix = score_matrix(left, right)
    for row, column in ((0, 0), (15, 1023), (16, 1024), (34, 1099), (33, 512)):
        assert bits(matrix[row, column]) == bits(score(first[row], second[column]))
    assert np.array_equal(bits(score_matrix(right, left)), bits(matrix.T))
    rows, columns = np.indices(matrix.shape).reshape(2, -1)
    assert np.array_equal(bits(score_pairs(left, right, rows, columns)), bits(matrix.ravel()))


def test_order_of_summation_shows():
    """A sum in another order, or with fused multiply-add, would give another number."""
    vector = np.float32([1, 2.0**-24, 2.0**-24, 2.0**-24])
    assert score(vector, np.ones(4, np.float32)) == FLOAT(2 - (1 + 4))
    ones = scorable(np.ones((1, 4), np.float32))
    assert score_matrix(scorable(vector[None]), ones)[0, 0] == FLOAT(-3)


def test_zero_vectors():
    zero = scorable(np.zeros((1, 3), np.float32))
    assert bits(zero.negative_squared_norms)[0] == 1 << 31
    assert bits(score_matrix(zero, zero))[0, 0] == 0
    negative = scorable(np.full((1, 3), -0.0, np.float32))
    assert bits(score_pairs(zero, negative, np.array([0]), np.array([0])))[0] == 0


def test_no_pairs():
    one = scorable(np.ones((1, 3), np.float32))
    assert score_pairs(one, one, np.array([], int), np.array([], int)).shape == (0,)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e18])
def test_features_that_cannot_be_scored(number):
    values = np.ones((5, 4), np.float32)
    values[3, 2] = values[4, 0] = number
    with pytest.raises(FeatureError, match=r"probes: row 3: expected finite numbers.*\(2 such rows\)"):
        scorable(values, "probes")


@pytest.mark.parametrize(
    "values", [np.ones(4, np.float32), np.ones((2, 4)), np.ones((0, 4), np.float32), np.ones((2, 0), np.float32)]
)
def test_other_shapes_and_types(values):
    with pytest.raises(FeatureError, match="expected float32 features"):
        scorable(values)
