"""Angles with finite slopes, and the cosine that keeps falling."""

import math

import numpy as np
import pytest

angle = pytest.importorskip("insightrec.train.losses.angle", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_angles_of_readable_cosines(mx):
    cosine = mx.nd.array([1, 0.5, 0, -0.5, -1, 1.0001, -1.0001])
    degrees = np.degrees(angle.angle(cosine).asnumpy())
    np.testing.assert_allclose(degrees, [0, 60, 90, 120, 180, 0, 180], atol=0.1)


def test_the_slope_is_finite_everywhere(mx):
    cosine = mx.nd.array(np.linspace(-1.1, 1.1, 2201))
    cosine.attach_grad()
    with mx.autograd.record():
        angle.angle(cosine).backward()
    assert np.abs(cosine.grad.asnumpy()).max() <= 1 / math.sqrt(1e-6)


def test_monotone_cosine_is_cos_up_to_pi_and_falls_beyond(mx):
    phi = np.linspace(0, 4 * np.pi, 4001)
    psi = angle.monotone_cosine(mx.nd.array(phi, dtype="float64")).asnumpy()
    np.testing.assert_allclose(psi[phi <= np.pi], np.cos(phi[phi <= np.pi]), atol=1e-12)
    np.testing.assert_allclose(psi[[0, 500, 1000, 2000, 3000, 4000]], [1, 0, -1, -3, -5, -7], atol=1e-12)
    assert (np.diff(psi) < 0).all()
    assert np.diff(psi).min() > -np.pi / 1000 * 1.001  # no jump: never steeper than a cosine
