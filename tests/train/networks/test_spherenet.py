"""SphereFace's network: layers counted, shortcuts, and the rates and first values of its parameters."""

import numpy as np
import pytest

from insightrec.train.networks.network_by_name import FAMILIES, NetworkOptions

spherenet = pytest.importorskip("insightrec.train.networks.spherenet", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet


def test_sizes_are_those_listed():
    (family,) = [family for family in FAMILIES if family.module == "spherenet"]
    assert set(family.numbers) == set(spherenet.UNITS)


@pytest.mark.parametrize("number", spherenet.UNITS)
def test_number_counts_convolutions(number):
    names = spherenet.build(number, NetworkOptions()).collect_params()
    assert sum(name.startswith("conv") and name.endswith("_weight") for name in names) == number


def test_a_stage_begins_with_a_strided_convolution_and_a_bias():
    network = spherenet.build(20, NetworkOptions(embedding_size=6))
    names = network.collect_params()
    assert [name for name in names if name.endswith("bias")] == [
        *(f"conv{stage}_1_bias" for stage in (1, 2, 3, 4)),
        "fc1_bias",
    ]
    attributes = network.symbol().attr_dict()
    strided = [name for name, values in attributes.items() if values.get("stride") == "(2, 2)" and "_" in name]
    assert [name for name in strided if not name.endswith(("weight", "bias"))] == [
        f"conv{stage}_1" for stage in (1, 2, 3, 4)
    ]


def test_rates_and_first_values(mx):
    mx.random.seed(0)
    network = spherenet.build(20, NetworkOptions(embedding_size=6))
    assert network.set_up((32, 32), [mx.cpu()]) == 6
    for name, parameter in network.collect_params().items():
        expected = (2.0, 0.0) if name.endswith("bias") else (1.0, 1.0)
        assert (parameter.lr_mult, parameter.wd_mult) == expected, name
        values = parameter.data().asnumpy()
        if name.startswith("conv") and name.endswith("weight"):
            assert values.std() == pytest.approx(0.01, rel=0.1), name
        elif name.endswith("bias"):
            assert not values.any(), name
    assert network.collect_params()["relu1_1_gamma"].data().asnumpy() == pytest.approx(0.25)


def test_a_unit_whose_convolutions_are_zero_passes_its_input_on(mx):
    unit = spherenet.Residual(*spherenet.convolution(1, 2, 4), *spherenet.convolution(1, 3, 4))
    for name, parameter in unit.collect_params().items():
        parameter.shape = (4, 4, 3, 3) if name.endswith("weight") else (4,)
    unit.collect_params().initialize()
    for name, parameter in unit.collect_params().items():
        if name.endswith("weight"):
            parameter.set_data(mx.nd.zeros(parameter.shape))
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 5)).astype(np.float32)
    np.testing.assert_array_equal(unit(mx.nd.array(x)).asnumpy(), x)
