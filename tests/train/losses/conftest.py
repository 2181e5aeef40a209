"""Shared fixtures: the options of a loss as the command line gives them; oracles for losses on embeddings."""

from argparse import Namespace

import numpy as np
import pytest

DEFAULTS = {
    "margin_m": 0.5,
    "margin_s": 64.0,
    "margin_a": None,
    "margin_b": None,
    "easy_margin": 0,
    "margin": 4,
    "beta": 1000.0,
    "beta_min": 5.0,
    "beta_freeze": 0,
    "gamma": 0.12,
    "power": 1.0,
    "center_alpha": 0.5,
    "center_scale": 0.003,
    "contrastive_margin": 1.0,
    "triplet_alpha": 0.3,
    "fc7_no_bias": False,
    "num_classes": 10,
    "seed": 0,
}


@pytest.fixture(scope="session")
def options():
    """``options(margin_m=0.3)``: upstream's defaults with changes."""
    return lambda **changes: Namespace(**{**DEFAULTS, **changes})


@pytest.fixture(scope="session")
def value_and_gradients(mx):
    """``(loss vector, [gradient of its mean, ...])`` as NumPy arrays: of ``loss(*arrays, *labels)``, float32."""

    def evaluate(loss, arrays, *labels, dtype="float32"):
        arrays = [mx.nd.array(array, dtype=dtype) for array in arrays]
        labels = [mx.nd.array(label, dtype="int32") for label in labels]
        for array in arrays:
            array.attach_grad()
        with mx.autograd.record():
            values = loss(*arrays, *labels)
            mean = values.mean()
        mean.backward()
        return values.asnumpy(), [array.grad.asnumpy() for array in arrays]

    return evaluate


@pytest.fixture(scope="session")
def check_oracle(value_and_gradients):
    """``check(loss, oracle, arrays, *labels)``: the mean loss is the oracle's, float64 in plain loops over unit
    vectors, and the gradients are its numerical differences."""

    def unit(array):
        return array / np.linalg.norm(array, axis=1, keepdims=True)

    def check(loss, oracle, arrays, *labels):
        arrays = [np.float64(np.float32(array)) for array in arrays]

        def mean():
            return oracle(*map(unit, arrays), *labels)

        values, gradients = value_and_gradients(loss, arrays, *labels)
        assert values.shape == (len(arrays[0]),)
        assert values.mean() == pytest.approx(mean(), rel=1e-5, abs=1e-6)
        for array, gradient in zip(arrays, gradients):
            numerical = np.zeros_like(array)
            for place in np.ndindex(*array.shape):
                at = array[place]
                array[place] = at + 1e-6
                above = mean()
                array[place] = at - 1e-6
                numerical[place] = (above - mean()) / 2e-6
                array[place] = at
            assert abs(numerical).max() > 1e-3
            np.testing.assert_allclose(gradient, numerical, rtol=2e-3, atol=2e-5)

    return check


@pytest.fixture(scope="session")
def check_finite(value_and_gradients):
    """``check(loss, count, *labels)``: finite values and gradients where rows are zero, huge, equal or opposite.

    ``count``: how many arrays of embeddings the loss takes; all rows of one meet all of the other.
    """

    def check(loss, count, *labels):
        row = np.array([3.0, -1, 2, 0.5])
        rows = np.stack([0 * row, row, row, -row, 1e20 * row, -1e20 * row, 1e-20 * row, [1e20, 0, 0, 0], [0, 1, 0, 0]])
        for turn in range(len(rows)):
            arrays = [np.roll(rows, turn * place, axis=0) for place in range(count)]
            values, gradients = value_and_gradients(loss, arrays, *labels)
            assert np.isfinite(values).all()
            assert all(np.isfinite(gradient).all() for gradient in gradients)
        halves = np.clip(rows, -6e4, 6e4)
        values, gradients = value_and_gradients(loss, [halves] * count, *labels, dtype="float16")
        assert values.dtype == np.float32
        assert all(np.isfinite(gradient).all() for gradient in [values, *gradients])

    return check
