"""L-softmax: SphereFace's margin, but the lengths of the weights count."""

import pytest

lsoftmax = pytest.importorskip("insightrec.train.losses.lsoftmax", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_both_lengths_scale_the_margined_logit(mx):
    loss = lsoftmax.LSoftmax(multiple=2, beta=0, beta_min=0)
    row = mx.nd.array([0], dtype="int32")
    # |x| = 2, |W_y| = 3, 60 degrees between them; the other class has the logit 0.
    terms = loss.terms(mx.nd.array([[2.0, 0.0]]), row, mx.nd.array([[1.5, 1.5 * 3**0.5], [0.0, 1.0]]))
    assert terms.target.asscalar() == pytest.approx(3)  # 6 cos(60)
    assert terms.length.asscalar() == pytest.approx(6)
    assert loss.head_output(terms).loss.asscalar() == pytest.approx(3.048587, rel=1e-5)  # log(1 + e^(-6 cos 120))
