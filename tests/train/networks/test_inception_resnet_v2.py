import json
from collections import Counter

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


def test_size_is_upstreams(count):
    assert count(build_network("i2", NetworkOptions())) == 167_723_292


@pytest.mark.parametrize(("version_input", "sides"), [(0, (25, 12, 5)), (1, (52, 25, 12))])
def test_maps(shapes, version_input, sides):
    outputs = shapes(build_network("i2", NetworkOptions(version_input=version_input)))[1]
    for node, channels, side in zip(("concat0", "concat11", "concat32"), (320, 1088, 2080), sides):
        assert outputs[f"{node}_output"] == (1, channels, side, side)
    assert outputs["activation242_output"] == (1, 1536, sides[-1], sides[-1])


def test_scales_of_the_residuals(mx):
    nodes = json.loads(build_network("i2", NetworkOptions()).symbol().tojson())["nodes"]
    scales = Counter(node["attrs"]["scalar"] for node in nodes if node["op"] == "_mul_scalar")
    assert scales == {"0.0078125": 1, "0.17": 10, "0.1": 20, "0.2": 9, "1.0": 1}


def test_initializer(mx):
    draw = build_network("i2", NetworkOptions()).initializer
    assert draw.dumps() == mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2).dumps()


def test_training(mx, check_training):
    network = build_network("i2", NetworkOptions(embedding_size=8))
    network.initializer = mx.init.Xavier(magnitude=2)  # uniform, drawn four times as fast
    check_training(network, (21, 25), 8)


@pytest.mark.parametrize("name", ["i1", "i3", "i"])
def test_there_is_one(name):
    with pytest.raises(InputError, match=f"expected one of .*i2, .*found '{name}'"):
        build_network(name, NetworkOptions())
