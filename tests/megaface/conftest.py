"""Shared fixtures of the tests of the MegaFace protocol."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def worst_product():
    """A matrix product as far off, up or down, as float32 sums in any order can be."""

    def product(one, other, out):
        one, other = one.astype(np.float64), other.astype(np.float64)
        off = 0.95 * one.shape[1] * 2.0**-24 * (np.abs(one) @ np.abs(other))
        out[:] = one @ other + np.where(np.indices(out.shape).sum(axis=0) % 2, off, -off)

    return product
