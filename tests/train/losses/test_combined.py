"""The combined margin and its monotone variant."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

combined = pytest.importorskip("insightrec.train.losses.combined", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

MARGINS = [(1, 0.3, 0.2), (2, 0, 0), (1, 1.5, 0), (4, 0.5, 0.35), (0.5, 0, 0.1)]


def logits(loss, mx, degrees):
    return loss.target_logit(mx.nd.cos(mx.nd.radians(mx.nd.array(degrees, dtype="float64")))).asnumpy()


def test_all_three_margins(mx):
    loss = combined.Combined(factor=2, margin_rad=np.pi / 6, offset=0.25)
    np.testing.assert_allclose(logits(loss, mx, [15, 45, 75]), [0.25, -0.75, -1.25], atol=1e-5)  # cos of 60, 120, 180


def test_the_plain_one_rises_again_and_the_monotone_one_falls_on(mx):
    theta = np.linspace(0.1, 179.9, 2001)
    for margins in MARGINS:
        plain, monotone = (
            logits(combined.Combined(*margins), mx, theta),
            logits(combined.CombinedMonotone(*margins), mx, theta),
        )
        factor, margin_rad, _ = margins
        beyond = factor * np.radians(theta) + margin_rad > np.pi
        np.testing.assert_allclose(monotone[~beyond], plain[~beyond], atol=1e-12)
        assert (np.diff(monotone) < 0).all()
        assert np.diff(monotone).min() > -factor * np.radians(theta[1] - theta[0]) * 1.001  # no jump at pi
        if beyond.any():
            assert (np.diff(plain) > 0).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin_a": -1}, "--margin-a -1: expected a plain number, 0 .for 1. or more"),
        ({"margin_m": -0.1}, "--margin-m -0.1: expected radians"),
        ({"margin_b": -0.1}, "--margin-b -0.1: expected a plain number, 0 <= b < 1"),
        ({"margin_b": 1}, "--margin-b 1: expected"),
    ],
)
def test_domain(change, message, options):
    with pytest.raises(InputError, match=message):
        combined.Combined.from_options(options(**change))


def test_options(options):
    loss = combined.CombinedMonotone.from_options(options(margin_a=2, margin_m=0.3, margin_b=0.2))
    assert (type(loss).__name__, loss.factor, loss.margin_rad, loss.offset) == ("CombinedMonotone", 2, 0.3, 0.2)
    loss = combined.Combined.from_options(options())
    assert (loss.factor, loss.offset) == (1, 0)
