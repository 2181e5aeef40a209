"""ArcFace: a margin on the angle, its switch near pi, and the easy margin."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

arcface = pytest.importorskip("insightrec.train.losses.arcface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def logits(loss, mx, degrees):
    return loss.target_logit(mx.nd.cos(mx.nd.radians(mx.nd.array(degrees, dtype="float64")))).asnumpy()


def test_the_margin_is_added_to_the_angle(mx):
    loss = arcface.ArcFace(margin_rad=np.pi / 6)
    np.testing.assert_allclose(logits(loss, mx, [30, 60, 90]), [0.5, 0, -0.5], atol=1e-6)


def test_beyond_pi_minus_m_the_cosine_less_m_sin_m(mx):
    loss = arcface.ArcFace(margin_rad=0.5)
    at = np.degrees(np.pi - 0.5)
    before, after = logits(loss, mx, [at - 1e-4, at + 1e-4])
    assert before == pytest.approx(-1, abs=1e-6)
    assert after == pytest.approx(-1.117295, abs=1e-5)  # cos(pi - 0.5) - 0.5 sin(0.5)
    assert logits(loss, mx, [170])[0] == pytest.approx(np.cos(np.radians(170)) - 0.5 * np.sin(0.5))


@pytest.mark.parametrize("margin", [0, 0.3, 0.5, 1.5])
def test_the_logit_falls_with_the_angle(margin, mx):
    theta = np.linspace(0.1, 179.9, 1001)
    assert (np.diff(logits(arcface.ArcFace(margin), mx, theta)) < 0).all()


def test_easy_margin_only_where_the_cosine_is_above_zero(mx):
    loss = arcface.ArcFace(margin_rad=np.pi / 6, easy_margin=True)
    np.testing.assert_allclose(logits(loss, mx, [30, 60, 120, 150]), [0.5, 0, -0.5, -(0.75**0.5)], atol=1e-6)


@pytest.mark.parametrize("margin", [-0.5, 1.6, 28.6])
def test_domain(margin, options):
    with pytest.raises(InputError, match=f"--margin-m {margin:g}: expected radians, 0 <= m < pi/2"):
        arcface.ArcFace.from_options(options(margin_m=margin))


def test_options(options):
    loss = arcface.ArcFace.from_options(options(margin_m=0.4, margin_s=30, easy_margin=1))
    assert (loss.margin_rad, loss.scale, loss.easy_margin) == (0.4, 30, True)
