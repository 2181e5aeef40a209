import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


@pytest.mark.parametrize(
    ("name", "expected"), [("d121", 6_953_856), ("d161", 26_472_000), ("d169", 12_484_480), ("d201", 18_092_928)]
)
def test_size_is_the_papers_without_its_classifier(count, name, expected):
    network = build_network(name, NetworkOptions(version_input=0))
    assert count(network, lambda name: not name.startswith(("relu0", "pre_fc1", "fc1"))) == expected


def test_size_is_upstreams(count):
    assert count(build_network("d121", NetworkOptions())) == 32_716_288


@pytest.mark.parametrize(
    ("version_input", "stem", "channels", "side"), [(0, "pooling0", 96, 28), (1, "_plus0", 64, 56)]
)
def test_maps(shapes, version_input, stem, channels, side):
    outputs = shapes(build_network("d161", NetworkOptions(version_input=version_input)))[1]
    assert outputs[f"{stem}_output"] == (1, channels, side, side)
    assert outputs["TBstage1_pool1_output"] == (1, 192, side // 2, side // 2)
    assert outputs["DBstage4_concat24_output"] == (1, 2208, side // 8, side // 8)


def test_training(check_training):
    check_training(build_network("d121", NetworkOptions(embedding_size=8)), (32, 48), 8)


@pytest.mark.parametrize("name", ["d120", "d264", "d"])
def test_sizes_that_there_are(name):
    with pytest.raises(InputError, match=f"expected one of .*d121, d161, d169, d201, .*found '{name}'"):
        build_network(name, NetworkOptions())
