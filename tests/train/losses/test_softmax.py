"""Plain softmax."""

import pytest

softmax = pytest.importorskip("insightrec.train.losses.softmax", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_the_bias_can_be_left_out(options):
    assert softmax.Softmax.from_options(options()).has_bias
    assert not softmax.Softmax.from_options(options(fc7_no_bias=True)).has_bias


def test_loss_of_logits_one_and_zero(mx):
    terms = softmax.Softmax().terms(
        embedding=mx.nd.array([[2.0, 0.0]]),
        row=mx.nd.array([0], dtype="int32"),
        weight=mx.nd.array([[0.75, 0.0], [0.0, 5.0]]),
        bias=mx.nd.array([-0.5, 0.0]),
    )
    assert terms.target.asscalar() == 1  # 2 * 0.75 - 0.5
    output = softmax.Softmax().head_output(terms)
    assert output.loss.asscalar() == pytest.approx(0.313262)  # log(1 + e^-1)
    assert output.correct.asscalar() == output.margin_correct.asscalar() == 1
