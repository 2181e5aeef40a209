"""NormFace: no lengths, no margin."""

import pytest

normface = pytest.importorskip("insightrec.train.losses.normface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_lengths_do_not_count(mx, options):
    loss = normface.NormFace.from_options(options(margin_s=10))
    row = mx.nd.array([0], dtype="int32")
    terms = loss.terms(mx.nd.array([[3.0, 4.0]]), row, mx.nd.array([[0.0, 9.0], [2.0, 0.0]]))
    assert terms.target.asscalar() == pytest.approx(8)  # 10 * 4/5
    assert terms.others.asscalar() == pytest.approx(6)
