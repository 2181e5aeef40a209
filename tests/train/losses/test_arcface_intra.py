"""ArcFace with the mean angle to the own class."""

import numpy as np
import pytest

module = pytest.importorskip("insightrec.train.losses.arcface_intra", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_the_term_is_the_margin_free_angle_over_pi(mx):
    theta = np.radians([60, 90])
    embedding = mx.nd.array(np.stack([np.cos(theta), np.sin(theta)], axis=1))
    weight, row = mx.nd.array([[1.0, 0.0], [-1.0, 0.0]]), mx.nd.zeros(2, dtype="int32")

    def losses(term_weight):
        loss = module.ArcFaceIntra(0.5, term_weight, scale=1)
        return loss.head_output(loss.terms(embedding, row, weight)).loss.asnumpy()

    np.testing.assert_allclose(losses(3) - losses(0), [1, 1.5], rtol=1e-5)
