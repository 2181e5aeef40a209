"""Lengths and directions of rows of any magnitude."""

import numpy as np
import pytest

unit_vector = pytest.importorskip("insightrec.train.losses.unit_vector", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

ROW = np.array([[3.0, -4.0, 0.0]])  # length 5


@pytest.mark.parametrize("magnitude", [1e-4, 1, 1e20, 1e37])
def test_lengths_and_directions_at_any_magnitude(magnitude, mx):
    x = mx.nd.array(ROW * magnitude)
    np.testing.assert_allclose(unit_vector.unit(x).asnumpy(), ROW / 5, rtol=1e-6)
    np.testing.assert_allclose(unit_vector.length(x).asnumpy(), [[5 * magnitude]], rtol=1e-6)


@pytest.mark.parametrize("magnitude", [0, 1e-30])
def test_rows_without_a_direction_pass_no_gradient(magnitude, mx):
    x = mx.nd.array(ROW * magnitude)
    x.attach_grad()
    with mx.autograd.record():
        direction, length = unit_vector.unit(x), unit_vector.length(x)
    mx.autograd.backward([direction, length])
    assert not direction.asnumpy().any()
    assert not x.grad.asnumpy().any()
    assert 0 < length.asscalar() < 1e-5


def test_gradients_are_those_of_the_formulas(mx):
    x = mx.nd.array(ROW, dtype="float64")
    x.attach_grad()
    along = mx.nd.array([[1.0, 0.0, 0.0]], dtype="float64")
    with mx.autograd.record():
        (unit_vector.unit(x) * along).sum().backward()
    # d(x_1 / |x|) = (e_1 - x_1 x / |x|^2) / |x|
    np.testing.assert_allclose(x.grad.asnumpy(), [[(1 - 9 / 25) / 5, 12 / 25 / 5, 0]], rtol=1e-12)
    with mx.autograd.record():
        unit_vector.length(x).backward()
    np.testing.assert_allclose(x.grad.asnumpy(), ROW / 5, rtol=1e-12)


def test_float16_is_computed_in_float32(mx):
    assert unit_vector.full_precision(mx.nd.ones((1, 2), dtype="float16")).dtype == np.float32
    assert unit_vector.full_precision(mx.nd.ones((1, 2), dtype="float64")).dtype == np.float64
