"""ArcFace whose margin shrinks with the angle."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

module = pytest.importorskip("insightrec.train.losses.adaptive_arcface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_margins_of_a_batch(mx):
    theta = np.array([0.2, 0.4, 0.8, 1.1])
    loss = module.AdaptiveArcFace(margin_rad=0.5, smallest_share=0.3)
    logit = loss.target_logit(mx.nd.array(np.cos(theta), dtype="float64")).asnumpy()
    share = np.array([1, 0.5, 0.3, 0])  # 0.2 / theta, not below 0.3, and none beyond 1 rad
    np.testing.assert_allclose(np.arccos(logit), theta + 0.5 * share, rtol=1e-6)


def test_the_share_is_a_constant_for_the_gradient(mx):
    cosine = mx.nd.array(np.cos([0.2, 0.4]), dtype="float64")
    cosine.attach_grad()
    with mx.autograd.record():
        module.AdaptiveArcFace(0.5).target_logit(cosine).backward()
    # d cos(theta + r m) / d cos(theta) = sin(theta + r m) / sin(theta)
    expected = np.sin([0.7, 0.65]) / np.sin([0.2, 0.4])
    np.testing.assert_allclose(cosine.grad.asnumpy(), expected, rtol=1e-6)


def test_domain(options):
    with pytest.raises(InputError, match="--margin-a 1.5: expected a plain number, 0 <= a <= 1"):
        module.AdaptiveArcFace.from_options(options(margin_a=1.5))
    assert module.AdaptiveArcFace.from_options(options()).smallest_share == 0
