import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


@pytest.mark.parametrize(
    # The stages of the paper's networks; those of 107 and 131 want the 128 channels of the 7x7 stem.
    ("name", "version_input", "expected"),
    [("p92", 1, 34_964_480), ("p107", 0, 84_204_352), ("p131", 0, 76_541_056)],
)
def test_size_of_the_stages_is_the_papers(count, name, version_input, expected):
    network = build_network(name, NetworkOptions(version_input=version_input))
    assert count(network, lambda name: "_x__" in name) == expected


def test_size_is_upstreams(count):
    assert count(build_network("p68", NetworkOptions())) == 93_661_152


@pytest.mark.parametrize(("name", "channels"), [("p68", 2368), ("p92", 2688), ("p107", 2688), ("p131", 2688)])
def test_both_paths_reach_the_head(shapes, name, channels):
    outputs = shapes(build_network(name, NetworkOptions()))[1]
    assert outputs["conv2_x__3_sum_output"] == (1, 256, 56, 56)
    assert outputs["conv5_x__3_sum_output"] == (1, 2048, 7, 7)
    assert outputs["conv5_x_x_cat-final_output"] == (1, channels, 7, 7)


def test_training(check_training):
    check_training(build_network("p68", NetworkOptions(embedding_size=8)), (32, 48), 8)


@pytest.mark.parametrize("name", ["p98", "p0", "p"])
def test_sizes_that_there_are(name):
    with pytest.raises(InputError, match=f"expected one of .*p68, p92, p107, p131, .*found '{name}'"):
        build_network(name, NetworkOptions())
