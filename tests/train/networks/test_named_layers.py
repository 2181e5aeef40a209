"""Layers: names of nodes and parameters, and what they compute."""

import numpy as np
import pytest

layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet


def apply(mx, layer, x):
    """The layer's output for ``x``, its weights drawn."""
    mx.random.seed(0)
    symbol = layer(mx.sym.var("data"))
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=x.shape)[0]))
    shapes.update(zip(symbol.list_auxiliary_states(), symbol.infer_shape(data=x.shape)[2]))
    for name, parameter in layer.collect_params().items():
        parameter.shape = shapes[name]
    layer.collect_params().initialize(mx.init.Normal(1))
    return layer(mx.nd.array(x)).asnumpy()


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("make", "output", "parameters"),
    [
        (lambda: layers.Convolution("c", 3, 1), "c_output", ["c_weight"]),
        (lambda: layers.Convolution("c", 3, 1, bias=True), "c_output", ["c_weight", "c_bias"]),
        (lambda: layers.FullyConnected("f", 3), "f_output", ["f_weight", "f_bias"]),
        (lambda: layers.FullyConnected("f", 3, bias=False, weight_name="w"), "f_output", ["w"]),
        (lambda: layers.BatchNorm("b"), "b_output", ["b_gamma", "b_beta", "b_moving_mean", "b_moving_var"]),
        (lambda: layers.Activation("a", "prelu"), "a_output", ["a_gamma"]),
        (lambda: layers.Activation("a", "relu"), "a_output", []),
        (lambda: layers.Pooling("p", "avg"), "p_output", []),
        (lambda: layers.Dropout("d", 0.5), "d_output", []),
        (lambda: layers.Flatten("x"), "x_output", []),
    ],
)
def test_names(mx, make, output, parameters):
    layer = make()
    symbol = layer(mx.sym.var("data"))
    assert symbol.list_outputs() == [output]
    assert list(layer.collect_params()) == parameters
    assert symbol.list_arguments() + symbol.list_auxiliary_states() == ["data", *parameters]


def test_strided_convolution_equals_a_sum_over_windows(mx, maps):
    layer = layers.Convolution("c", 2, kernel=(3, 1), stride=(1, 2), pad=(1, 0), bias=True)
    found = apply(mx, layer, maps)
    weight = layer.weight.data().asnumpy()
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (0, 0)))
    for y in range(5):
        for x in range(3):
            window = padded[:, :, y : y + 3, 2 * x : 2 * x + 1]
            expected = np.tensordot(window, weight, ([1, 2, 3], [1, 2, 3]))
            np.testing.assert_allclose(found[:, :, y, x], expected, rtol=1e-4, atol=1e-5)
    assert found.shape == (2, 2, 5, 3)


def test_depthwise_convolution_keeps_channels_apart(mx, maps):
    layer = layers.Convolution("c", 4, 3, pad=1, groups=4)
    before = apply(mx, layer, maps)
    assert layer.weight.shape == (4, 1, 3, 3)
    changed = maps.copy()
    changed[:, 2] += 1
    differs = (layer(mx.nd.array(changed)).asnumpy() != before).any(axis=(0, 2, 3))
    np.testing.assert_array_equal(differs, [False, False, True, False])


def test_dense_layer_flattens(mx, maps):
    layer = layers.FullyConnected("f", 3, wd_mult=10.0)
    found = apply(mx, layer, maps)
    np.testing.assert_allclose(found, maps.reshape(2, -1) @ layer.weight.data().asnumpy().T, rtol=1e-4, atol=1e-4)
    assert (layer.weight.wd_mult, layer.bias.wd_mult) == (10.0, 1.0)


def test_prelu_starts_at_a_quarter(mx, maps):
    found = apply(mx, layers.Activation("a", "prelu"), maps)
    np.testing.assert_allclose(found, np.where(maps > 0, maps, 0.25 * maps), rtol=1e-6)


def test_batch_norm_in_training_moves_its_statistics(mx, maps):
    layer = layers.BatchNorm("b", momentum=0.75)
    apply(mx, layer, maps)
    with mx.autograd.record():
        output = layer(mx.nd.array(maps))
    output.backward()  # on a CPU the statistics move with the gradients
    found = output.asnumpy()
    np.testing.assert_allclose(found.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((0, 2, 3)), 1, atol=1e-3)
    np.testing.assert_allclose(layer.moving_mean.data().asnumpy(), 0.25 * maps.mean((0, 2, 3)), atol=1e-6)


def test_fixed_gamma_is_one_and_does_not_learn(mx, maps):
    layer = layers.BatchNorm("b", fix_gamma=True)
    before = apply(mx, layer, maps)
    assert layer.gamma.grad_req == "null"
    layer.gamma.set_data(mx.nd.ones(4) * 7)
    np.testing.assert_array_equal(layer(mx.nd.array(maps)).asnumpy(), before)


def test_statistics_stay_float32_in_a_float16_network(mx):
    network = layers.Sequence(layers.Convolution("c", 3, 1), layers.BatchNorm("b"))
    network.cast("float16")
    types = {name: np.dtype(parameter.dtype) for name, parameter in network.collect_params().items()}
    assert types.pop("c_weight") == np.float16
    assert set(types.values()) == {np.dtype(np.float32)}


def test_pooling(mx, maps):
    np.testing.assert_allclose(
        apply(mx, layers.Pooling("p", "avg"), maps)[:, :, 0, 0], maps.mean((2, 3)), rtol=1e-5, atol=1e-6
    )
    found = apply(mx, layers.Pooling("p", "max", kernel=2, stride=2), maps)
    np.testing.assert_array_equal(found, maps[:, :, :4].reshape(2, 4, 2, 2, 3, 2).max((3, 5)))


def test_dropout_drops_in_training_only(mx):
    layer, ones = layers.Dropout("d", 0.4), np.ones((100, 100), np.float32)
    np.testing.assert_array_equal(apply(mx, layer, ones), ones)
    with mx.autograd.record():
        share = (layer(mx.nd.array(ones)).asnumpy() == 0).mean()
    assert share == pytest.approx(0.4, abs=0.03)


def test_sequence_applies_its_layers_in_order(mx, maps):
    found = apply(mx, layers.Sequence(layers.Activation("a", "relu"), layers.Flatten("f")), maps)
    np.testing.assert_array_equal(found, np.maximum(maps, 0).reshape(2, -1))
    np.testing.assert_array_equal(apply(mx, layers.Sequence(), maps), maps)
