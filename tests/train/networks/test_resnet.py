"""ResNet's variants: names, widths and strides written out by hand, and what the counts add up to."""

import itertools

import numpy as np
import pytest

from insightrec.train.networks.network_by_name import FAMILIES, NetworkOptions

resnet = pytest.importorskip("insightrec.train.networks.resnet", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet

# Nodes of the first unit of a stage, without its prefix; +: the sum.
FIRST_UNIT = {
    (1, False): "conv1 bn1 relu1 conv2 bn2 conv1sc sc + relu3",
    (2, False): "bn1 relu1 conv1 bn2 relu2 conv2 sc +",
    (3, False): "bn1 conv1 bn2 relu1 conv2 bn3 conv1sc sc +",
    (1, True): "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 conv1sc sc + relu3",
    (2, True): "bn1 relu1 conv1 bn2 relu2 conv2 bn3 relu3 conv3 sc +",
    (3, True): "bn1 conv1 bn2 relu1 conv2 bn3 relu2 conv3 bn4 conv1sc sc +",
}
STRIDED = {  # (version_unit, bottleneck, version_input) -> the convolution of the main way that has the stride
    (1, False, 0): "conv1",
    (1, False, 1): "conv2",
    (1, True, 0): "conv1",
    (1, True, 1): "conv3",
    (2, False, 1): "conv1",
    (2, True, 1): "conv2",
    (3, False, 1): "conv2",
    (3, True, 1): "conv3",
}


def small(is_bottleneck=False, units=(1, 1, 1, 1), **options):
    return resnet.ResNet(units, is_bottleneck, NetworkOptions(embedding_size=6, **options))


def unit_nodes(network, prefix="stage2_unit1_"):
    """The unit's nodes in order; _plus1 is the sum of the second stage's only unit."""
    names = network.symbol().get_internals().list_outputs()
    names = [name[: -len("_output")] for name in names if name.endswith("_output")]
    inside = [name for name in names if name.startswith(prefix) or name == "_plus1"]
    return " ".join("+" if name == "_plus1" else name[len(prefix) :] for name in inside)


def test_sizes_are_those_listed():
    (family,) = [family for family in FAMILIES if family.module == "resnet"]
    assert set(family.numbers) == set(resnet.UNITS)


@pytest.mark.parametrize("number", resnet.UNITS)
def test_number_counts_layers(number):
    """The convolutions of the main way, the stem and the dense layer; 49 and 124 are no counts."""
    layers = (3 if number >= 101 else 2) * sum(resnet.UNITS[number]) + 2
    assert layers == {49: 50, 124: 185}.get(number, number)


@pytest.mark.parametrize(("version", "is_bottleneck"), FIRST_UNIT)
def test_nodes_of_a_unit(version, is_bottleneck):
    network = small(is_bottleneck, version_unit=version)
    assert unit_nodes(network) == FIRST_UNIT[version, is_bottleneck]


@pytest.mark.parametrize(("version", "is_bottleneck", "version_input"), STRIDED)
def test_one_convolution_of_the_main_way_is_strided(version, is_bottleneck, version_input):
    network = small(is_bottleneck, version_unit=version, version_input=version_input)
    attributes = network.symbol().attr_dict()
    strided = [
        name.split("_")[-1]
        for name, values in attributes.items()
        if name.startswith("stage2_unit1_conv") and values.get("stride") == "(2, 2)"
    ]
    assert [name for name in strided if name not in ("conv1sc", "weight")] == [
        STRIDED[version, is_bottleneck, version_input]
    ]


def test_later_units_of_a_stage_have_no_projection():
    network = small(units=(1, 2, 1, 1))
    assert "sc" not in " ".join(name for name in network.collect_params() if name.startswith("stage2_unit2"))
    assert "stage2_unit1_conv1sc_weight" in network.collect_params()


def test_bottleneck_is_a_quarter_as_wide():
    symbol = small(is_bottleneck=True).symbol()
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=(1, 3, 112, 112))[0]))
    assert shapes["stage2_unit1_conv1_weight"] == (128, 256, 1, 1)
    assert shapes["stage2_unit1_conv2_weight"] == (128, 128, 3, 3)
    assert shapes["stage2_unit1_conv3_weight"] == (512, 128, 1, 1)
    assert shapes["pre_fc1_weight"] == (6, 2048 * 7 * 7)


@pytest.mark.parametrize(
    ("version_input", "size", "first"),
    [(0, 4, "id"), (1, 7, "id"), (2, 7, "bn_data")],
)
def test_inputs(version_input, size, first):
    symbol = small(version_input=version_input, version_output="Z").symbol()
    assert symbol.infer_shape(data=(1, 3, 112, 112))[1] == [(1, 512, size, size)]
    assert f"{first}_output" in symbol.get_internals().list_outputs()


def test_activation_is_that_of_the_body_and_not_of_the_head():
    names = small(version_act="relu", version_se=1, version_output="D").collect_params()
    assert [name for name in names if name.endswith("relu_gamma") or "relu" in name] == [
        "relu1_gamma",
        "fc1_relu_gamma",
    ]


def test_squeeze_and_excitation_weighs_channels(mx):
    block = resnet.SqueezeExcitation("se", 32, "relu")
    shapes = {"se_conv1_weight": (2, 32, 1, 1), "se_conv1_bias": (2,), "se_conv2_weight": (32, 2, 1, 1)}
    for name, parameter in block.collect_params().items():
        parameter.shape = shapes.get(name, (32,))
    block.collect_params().initialize(mx.init.Normal(1))
    arrays = {name: parameter.data().asnumpy().squeeze() for name, parameter in block.collect_params().items()}
    x = np.random.default_rng(0).normal(size=(1, 32, 3, 3)).astype(np.float32)
    squeezed = np.maximum(arrays["se_conv1_weight"] @ x[0].mean((1, 2)), 0)
    weights = 1 / (1 + np.exp(-arrays["se_conv2_weight"] @ squeezed))
    np.testing.assert_allclose(block(mx.nd.array(x)).asnumpy()[0], x[0] * weights[:, None, None], rtol=1e-4, atol=1e-5)


def test_every_combination_builds():
    for version, inputs, se, is_bottleneck in itertools.product((1, 2, 3), (0, 1, 2), (0, 1), (False, True)):
        network = small(is_bottleneck, version_unit=version, version_input=inputs, version_se=se, version_act="tanh")
        symbol = network.symbol()
        assert symbol.infer_shape(data=(1, 3, 32, 32))[1] == [(1, 6)]
        names = symbol.get_internals().list_outputs()
        assert len(set(names)) == len(names)
