import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet


def convolution(entering, channels, kernel=1):
    """Parameters of a convolution and its batch normalisation; ``entering`` is 1 where it is depthwise."""
    return entering * channels * kernel**2 + 2 * channels


def test_size_block_by_block(count):
    expected = convolution(3, 32, kernel=3) + convolution(320, 1280)
    for inner, entering, channels, has_convolution_as_shortcut in (
        (32, 32, 16, True),
        *((96, 16, 24, False), (96, 24, 24, False)),
        *((144, 24, 32, False), (144, 32, 32, False), (144, 32, 32, False)),
        *((192, 32, 64, True), (192, 64, 64, False), (192, 64, 64, False), (192, 64, 64, False)),
        *((384, 64, 96, False), (384, 96, 96, False), (384, 96, 96, False)),
        *((576, 96, 160, False), (576, 160, 160, False), (576, 160, 160, False)),
        (960, 160, 320, True),
    ):
        expected += convolution(entering, inner) + convolution(1, inner, kernel=3) + convolution(inner, channels)
        expected += convolution(entering, channels) if has_convolution_as_shortcut else 0
    network = build_network("m2", NetworkOptions())
    assert count(network, lambda name: not name.startswith(("bn1", "pre_fc1", "fc1"))) == expected
    assert count(network) == 33_970_256  # upstream's graph


def test_last_map(shapes):
    outputs = shapes(build_network("m2", NetworkOptions()))[1]
    assert outputs["invertedresidual16_elemwise_add0_output"] == (1, 320, 7, 7)
    assert outputs["mobilenetv20_hybridsequential0_relu0_fwd_output"] == (1, 1280, 7, 7)


def test_training(check_training):
    check_training(build_network("m2", NetworkOptions(embedding_size=8)), (48, 32), 8)


@pytest.mark.parametrize("name", ["m0", "m3", "m"])
def test_there_are_two_mobilenets(name):
    with pytest.raises(InputError, match=f"expected one of .*m1, m2, .*found '{name}'"):
        build_network(name, NetworkOptions())
