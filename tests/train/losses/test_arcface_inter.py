"""ArcFace with the mean cosine between classes."""

import numpy as np
import pytest

module = pytest.importorskip("insightrec.train.losses.arcface_inter", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_the_term_is_the_mean_cosine_of_the_own_class_to_all(mx):
    weight = np.array([[2.0, 0.0], [0.0, 1.0], [-3.0, 0.0], [1.0, 3**0.5]])  # at 0, 90, 180 and 60 degrees
    penalty = module.ArcFaceInter(term_weight=2).head_penalty(
        None, mx.nd.array([0, 3], dtype="int32"), mx.nd.array(weight), {}
    )
    cosines = np.cos(np.radians([[0, 90, 180, 60], [60, 30, 120, 0]]))
    np.testing.assert_allclose(penalty.asnumpy(), 2 * cosines.mean(axis=1), rtol=1e-5)
