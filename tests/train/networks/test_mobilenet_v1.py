import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


@pytest.mark.parametrize(("multiplier", "expected"), [(1.0, 3_206_976), (0.25, 213_072)])
def test_size_is_the_papers_without_its_classifier(count, multiplier, expected):
    network = build_network("m1", NetworkOptions(version_multiplier=multiplier))
    assert count(network, lambda name: name.startswith("conv_") and not name.endswith("relu_gamma")) == expected


def test_size_is_upstreams(count):
    assert count(build_network("m1", NetworkOptions())) == 28_911_616


@pytest.mark.parametrize(("version_input", "side"), [(0, 4), (1, 7), (2, 7)])
def test_last_map(shapes, version_input, side):
    network = build_network("m1", NetworkOptions(version_input=version_input, version_multiplier=0.5))
    assert shapes(network)[1]["conv_14_relu_output"] == (1, 512, side, side)


def test_training(check_training):
    check_training(build_network("m1", NetworkOptions(embedding_size=8)), (48, 32), 8)


def test_a_multiplier_that_leaves_no_channel(mx):
    with pytest.raises(InputError, match=r"--version-multiplier: expected 0\.03125 or more, found 0\.03"):
        build_network("m1", NetworkOptions(version_multiplier=0.03))
