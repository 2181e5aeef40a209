import json
from collections import Counter

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


@pytest.mark.parametrize(("embedding_size", "expected"), [(512, 23_482_624), (128, 22_793_728)])
def test_size_is_that_of_the_open_models(count, embedding_size, expected):
    assert count(build_network("facenet", NetworkOptions(embedding_size=embedding_size))) == expected


@pytest.mark.parametrize(("side", "sides"), [(160, (17, 8, 3)), (112, (11, 5, 2))])
def test_maps(shapes, side, sides):
    outputs = shapes(build_network("facenet", NetworkOptions(embedding_size=128)), (side, side))[1]
    for node, channels, map_side in zip(("block35_5", "block17_10", "block8_5"), (256, 896, 1792), sides):
        assert outputs[f"{node}_relu_output"] == (1, channels, map_side, map_side)
    assert outputs["pool1_output"] == (1, 1792, 1, 1)
    assert outputs["fc1_output"] == (1, 128)


def test_scales_of_the_residuals(mx):
    nodes = json.loads(build_network("facenet", NetworkOptions()).symbol().tojson())["nodes"]
    scales = Counter(node["attrs"]["scalar"] for node in nodes if node["op"] == "_mul_scalar")
    assert scales == {"0.0078125": 1, "0.17": 5, "0.1": 10, "0.2": 5, "1.0": 1}


def test_momentum(mx):
    nodes = json.loads(build_network("facenet", NetworkOptions(bn_momentum=0.995)).symbol().tojson())["nodes"]
    assert {node["attrs"]["momentum"] for node in nodes if node["op"] == "BatchNorm"} == {"0.995"}


def test_training(check_training):
    check_training(build_network("facenet", NetworkOptions(embedding_size=8)), (91, 107), 8)


def test_images_too_small(mx):
    with pytest.raises(ValueError, match=r"does not take images of \(64, 64\)"):
        build_network("facenet", NetworkOptions()).set_up((64, 64), [mx.cpu()])


def test_there_is_one():
    with pytest.raises(InputError, match="expected one of .*facenet, found 'facenet2'"):
        build_network("facenet2", NetworkOptions())
