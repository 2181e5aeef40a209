"""MobileFaceNet: its blocks, its own head and the others."""

import pytest

from insightrec.train.networks.network_by_name import FAMILIES, NetworkOptions

mobilefacenet = pytest.importorskip("insightrec.train.networks.mobilefacenet", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet

IMAGES = (1, 3, 112, 112)


def build(number, output=None, **options):
    return mobilefacenet.build(number, NetworkOptions(embedding_size=128, version_output=output, **options))


def shapes(network):
    symbol = network.symbol()
    arguments, _, states = symbol.infer_shape(data=IMAGES)
    return dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(), arguments + states))


def test_sizes_are_those_listed():
    (family,) = [family for family in FAMILIES if family.module == "mobilefacenet"]
    assert set(family.numbers) == set(mobilefacenet.BLOCKS)


def test_y1_is_as_small_as_published():
    learned = [shape for name, shape in shapes(build(1)).items() if name != "data" and "moving" not in name]
    count = sum(_product(shape) for shape in learned)
    assert count == pytest.approx(0.99e6, rel=0.25)  # the paper says 0.99 million


def test_y2_has_more_blocks():
    names = build(2).collect_params()
    blocks = {name.split("_conv")[0] for name in names if name.startswith("res_")}
    assert {stage: sum(block.startswith(f"res_{stage}_") for block in blocks) for stage in (2, 3, 4, 5)} == {
        2: 2,
        3: 8,
        4: 16,
        5: 4,
    }
    assert not any(name.startswith("conv_2_dw") for name in names)
    assert shapes(build(2))["res_2_block1_conv_dw_conv2d_weight"] == (64, 1, 3, 3)


def test_its_own_head_names_the_dense_weight_as_the_released_model():
    parameters = build(1).collect_params()
    assert "pre_fc1_weight" not in parameters
    assert (parameters["fc1_weight"].wd_mult, parameters["pre_fc1_bias"].wd_mult) == (10.0, 1.0)
    later = build(1, "GDC").collect_params()
    assert "fc1_weight" not in later
    assert later["pre_fc1_weight"].wd_mult == 1.0
    assert [name.replace("pre_fc1_weight", "fc1_weight") for name in later] == list(parameters)


@pytest.mark.parametrize(("output", "dense"), [("E", (128, 512 * 7 * 7)), ("GAP", (128, 512)), ("GNAP", (128, 512))])
def test_other_heads(output, dense):
    assert shapes(build(1, output))["pre_fc1_weight"] == dense


def test_projections_have_no_activation_and_every_norm_the_momentum():
    symbol = build(1, bn_momentum=0.5).symbol()
    assert not any("proj_relu" in name for name in symbol.get_internals().list_outputs())
    momenta = {
        values["momentum"] for name, values in symbol.attr_dict().items() if name.endswith("batchnorm") or name == "fc1"
    }
    assert momenta == {"0.5"}


def _product(shape):
    count = 1
    for size in shape:
        count *= size
    return count
