"""SphereFace: psi of the multiplied angle, annealed."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

sphereface = pytest.importorskip("insightrec.train.losses.sphereface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_psi_without_annealing(mx):
    loss = sphereface.SphereFace(multiple=4, beta=0, beta_min=0)
    cosine = mx.nd.cos(mx.nd.radians(mx.nd.array([15, 45, 60, 90, 135, 180])))
    # m theta is 60, 180, 240, 360, 540, 720 degrees
    np.testing.assert_allclose(loss.target_logit(cosine).asnumpy(), [0.5, -1, -1.5, -3, -5, -7], atol=2e-5)


@pytest.mark.parametrize("beta", [0, 5])
@pytest.mark.parametrize("multiple", [1, 2, 3, 4])
def test_the_logit_falls_with_the_angle(multiple, beta, mx):
    loss = sphereface.SphereFace(multiple, beta=beta, beta_min=0, gamma=0)
    theta = mx.nd.array(np.linspace(0.01, np.pi - 0.01, 1001), dtype="float64")
    assert (np.diff(loss.target_logit(mx.nd.cos(theta)).asnumpy()) < 0).all()


def test_beta_falls_from_its_start_to_its_least_after_the_freeze():
    loss = sphereface.SphereFace(beta=1000, beta_min=5, freeze=100, gamma=0.12, power=1)
    betas = []
    for step in (1, 101, 102, 201, 10_000):
        loss.begin_step(step)
        betas.append(loss.beta_now)
    assert betas == pytest.approx([1000, 1000, 1000 / 1.12, 1000 / 13, 5])


def test_annealing_mixes_in_the_plain_cosine(mx):
    loss = sphereface.SphereFace(multiple=4, beta=3, beta_min=0, gamma=0)
    cosine = mx.nd.cos(mx.nd.radians(mx.nd.array([60])))
    assert loss.target_logit(cosine).asscalar() == pytest.approx((-1.5 + 3 * 0.5) / 4, abs=1e-5)


@pytest.mark.parametrize("name", ["beta", "beta_min", "beta_freeze", "gamma", "power"])
def test_negative_annealing_is_refused(name, options):
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')} -1: expected a number of 0 or more"):
        sphereface.SphereFace.from_options(options(**{name: -1}))


def test_options(options):
    loss = sphereface.SphereFace.from_options(options(margin=3, beta=7, beta_min=2, beta_freeze=9, gamma=0.5, power=2))
    assert (loss.multiple, loss.beta, loss.beta_min, loss.freeze, loss.gamma, loss.power) == (3, 7, 2, 9, 0.5, 2)
