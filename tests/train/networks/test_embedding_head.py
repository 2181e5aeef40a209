"""Every head: its layers, the size of what it gives, and the arithmetic of norm-aware pooling."""

import numpy as np
import pytest

from insightrec.train.networks.network_by_name import CHOICES

embedding_head = pytest.importorskip("insightrec.train.networks.embedding_head", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet

MAP = (2, 8, 7, 7)
POOLED = ["bn1", "relu1", "pool1", "flatten0"]
NORMS = ["bn6f", "_mul0", "sum0", "sqrt0", "mean0", "broadcast_div0", "tile0", "_mul1", "pooling0"]
NODES = {
    "A": POOLED,
    "B": [*POOLED, "pre_fc1"],
    "C": [*POOLED, "pre_fc1", "fc1"],
    "D": [*POOLED, "pre_fc1", "fc1", "fc1_relu"],
    "AX": [*POOLED, "dropout0"],
    "BX": [*POOLED, "dropout0", "pre_fc1"],
    "CX": [*POOLED, "dropout0", "pre_fc1", "fc1"],
    "DX": [*POOLED, "dropout0", "pre_fc1", "fc1", "fc1_relu"],
    "E": ["bn1", "dropout0", "pre_fc1", "fc1"],
    "F": ["bn1", "dropout0", "fc1"],
    "G": ["bn1", "fc1"],
    "H": ["fc1"],
    "I": ["bn1", "pre_fc1", "fc1"],
    "J": ["pre_fc1", "fc1"],
    "Z": ["bn1", "dropout0"],
    "GAP": [*POOLED, "pre_fc1", "fc1"],
    "GDC": ["conv_6dw7_7_conv2d", "conv_6dw7_7_batchnorm", "pre_fc1", "fc1"],
    "GNAP": [*NORMS, "bn6w", "pre_fc1", "fc1"],  # as 6 numbers are wanted of 8 channels
}
SHAPES = {"A": (2, 8), "AX": (2, 8), "Z": MAP}  # the rest: (2, 6)


def graph(mx, head):
    with mx.name.NameManager():
        return head(mx.sym.var("data"))


def node_names(symbol):
    inputs = {*symbol.list_arguments(), *symbol.list_auxiliary_states()}
    names = [name for name in symbol.get_internals().list_outputs() if name not in inputs]
    return [name[: -len("_output")] for name in names]


def initialized(mx, head, shape=MAP):
    symbol = graph(mx, head)
    arguments, _, states = symbol.infer_shape(data=shape)
    shapes = dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(), arguments + states))
    for name, parameter in head.collect_params().items():
        parameter.shape = shapes[name]
    head.collect_params().initialize(mx.init.Normal(0.1))
    return head


def test_heads_are_those_of_the_options():
    assert set(embedding_head.HEADS) == set(NODES) == set(CHOICES["version_output"]) - {None}


@pytest.mark.parametrize("fc_type", NODES)
def test_nodes_and_size(mx, fc_type):
    symbol = graph(mx, embedding_head.EmbeddingHead(fc_type, 6, channels=8))
    assert node_names(symbol) == NODES[fc_type]
    assert symbol.infer_shape(data=MAP)[1] == [SHAPES.get(fc_type, (2, 6))]


@pytest.mark.parametrize(("fc_type", "rate"), [("E", "0.4"), ("F", "0.4"), ("Z", "0.4"), ("BX", "0.2"), ("DX", "0.2")])
def test_dropout_rates(mx, fc_type, rate):
    symbol = graph(mx, embedding_head.EmbeddingHead(fc_type, 6, channels=8))
    assert symbol.attr_dict()["dropout0"]["p"] == rate


@pytest.mark.parametrize("fc_type", NODES)
def test_gradients_reach_every_parameter(mx, fc_type):
    mx.random.seed(0)
    head = initialized(mx, embedding_head.EmbeddingHead(fc_type, 6, channels=8))
    with mx.autograd.record():
        output = head(mx.nd.random.normal(shape=MAP))
        loss = (output * mx.nd.random.normal(shape=output.shape)).sum()
    loss.backward()
    for name, parameter in head.collect_params().items():
        if parameter.grad_req != "null":
            gradient = parameter.grad().asnumpy()
            assert np.isfinite(gradient).all(), name
            assert gradient.any(), name


@pytest.mark.parametrize(
    ("size", "nodes"),
    [
        (8, [*NORMS, "flatten0", "fc1"]),
        (9, ["convx", "convx_bn", "convx_relu", *NORMS, "flatten0", "fc1"]),
        (7, [*NORMS, "bn6w", "pre_fc1", "fc1"]),
    ],
)
def test_norm_aware_pooling_of_any_size(mx, size, nodes):
    symbol = graph(mx, embedding_head.EmbeddingHead("GNAP", size, channels=8))
    assert node_names(symbol) == nodes
    assert symbol.infer_shape(data=MAP)[1] == [(2, size)]


def test_norm_aware_weights_give_every_position_the_mean_norm(mx):
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 2)).astype(np.float32)
    block = embedding_head.NormAwareWeights(3)
    block.hybridize()
    norms = np.linalg.norm(x, axis=1)
    expected = np.empty_like(x)
    for image in range(2):
        for row in range(2):
            for column in range(2):
                vector = x[image, :, row, column]
                expected[image, :, row, column] = vector / norms[image, row, column] * norms.mean()
    np.testing.assert_allclose(block(mx.nd.array(x)).asnumpy(), expected, rtol=1e-5)


def test_dense_layer_takes_a_name_and_a_decay(mx):
    head = embedding_head.EmbeddingHead("GDC", 6, channels=8, weight_name="fc1_weight", wd_mult=10.0)
    parameters = head.collect_params()
    assert "pre_fc1_weight" not in parameters
    assert (parameters["fc1_weight"].wd_mult, parameters["pre_fc1_bias"].wd_mult) == (10.0, 1.0)
    assert initialized(mx, head).collect_params()["fc1_weight"].shape == (6, 8)


def test_momentum_is_that_of_every_batch_norm(mx):
    attributes = graph(mx, embedding_head.EmbeddingHead("E", 6, bn_momentum=0.75)).attr_dict()
    assert (attributes["bn1"]["momentum"], attributes["fc1"]["momentum"]) == ("0.75", "0.75")
