"""The data-parallel head: parameters, several devices, states, float16."""

import numpy as np
import pytest

from insightrec.train.losses.loss_table import find_loss, make_loss

class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_parameters_carry_upstreams_names_and_multipliers(options):
    parameters = class_head.ClassHead(make_loss(find_loss("softmax"), options()), 5, 3).collect_params()
    assert {name: parameter.shape for name, parameter in parameters.items()} == {"fc7_weight": (5, 3), "fc7_bias": (5,)}
    assert (parameters["fc7_bias"].lr_mult, parameters["fc7_bias"].wd_mult) == (2, 0)
    parameters = class_head.ClassHead(make_loss(find_loss("arcface"), options()), 5, 3).collect_params()
    assert list(parameters) == ["fc7_weight"]


def test_parameters_stay_float32(options):
    head = class_head.ClassHead(make_loss(find_loss("center"), options()), 5, 3)
    head.cast("float16")
    assert {np.dtype(parameter.dtype).name for parameter in head.collect_params().values()} == {"float32"}


@pytest.mark.parametrize("name", ["softmax", "arcface"])
def test_devices_share_the_batch(name, mx, options):
    draw = np.random.default_rng(0)
    embedding, label = draw.standard_normal((6, 3)), np.array([0, 4, 2, 2, 1, 3])
    losses, gradients = [], []
    for parts in ([slice(6)], [slice(4), slice(4, 6)]):
        devices = [mx.cpu(number) for number in range(len(parts))]
        head = class_head.ClassHead(make_loss(find_loss(name), options(margin_s=8)), 5, 3)
        head.initialize(mx.init.One(), ctx=devices)
        head.weight.set_data(mx.nd.array(np.random.default_rng(1).standard_normal((5, 3))))
        embeddings = [mx.nd.array(embedding[part], device) for part, device in zip(parts, devices)]
        labels = [mx.nd.array(label[part], device) for part, device in zip(parts, devices)]
        with mx.autograd.record():
            outputs = head.forward_all(embeddings, labels)
        mx.autograd.backward([output.loss for output in outputs])
        assert [output.loss.context for output in outputs] == devices
        losses.append(np.concatenate([output.loss.asnumpy() for output in outputs]))
        gradients.append(sum(gradient.asnumpy() for gradient in head.weight.list_grad()))
    np.testing.assert_allclose(*losses, rtol=1e-5)
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)
