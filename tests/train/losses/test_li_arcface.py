"""Li-ArcFace: logits linear in the angle."""

import numpy as np
import pytest

li_arcface = pytest.importorskip("insightrec.train.losses.li_arcface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_logits_are_linear_in_the_angle(mx):
    loss = li_arcface.LiArcFace(margin_rad=np.pi / 6, scale=90)
    similarity = loss.similarity(mx.nd.cos(mx.nd.radians(mx.nd.array([30, 90, 150]))))
    np.testing.assert_allclose(loss.scale * similarity.asnumpy(), [60, 0, -60], atol=1e-3)
    # the margin of 30 degrees costs 90 * 2/6 wherever the sample is
    np.testing.assert_allclose(loss.scale * loss.target_logit(similarity).asnumpy(), [30, -30, -90], atol=1e-3)
