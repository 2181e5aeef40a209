"""The base of the networks, by a network of two layers."""

import numpy as np
import pytest

face_network = pytest.importorskip("insightrec.train.networks.face_network", reason="MXNet is needed")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="MXNet is needed")
pytestmark = pytest.mark.mxnet


class Small(face_network.FaceNetwork):
    def __init__(self):
        super().__init__()
        self.body = named_layers.Convolution("conv0", 2, kernel=5)
        self.head = named_layers.FullyConnected("fc1", 7)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - face_network.PIXEL_MEAN) * face_network.PIXEL_SCALE))


def test_symbol_is_from_data_to_the_embedding_and_named_alike_every_time():
    network = Small()
    first, second = network.symbol(), network.symbol()
    assert first.list_arguments() == ["data", "conv0_weight", "fc1_weight", "fc1_bias"]
    assert first.list_outputs() == ["fc1_output"]
    assert first.get_internals().list_outputs() == second.get_internals().list_outputs()
    assert "_minusscalar0_output" in second.get_internals().list_outputs()


def test_set_up_infers_every_shape_on_every_device(mx):
    network, devices = Small(), [mx.cpu(0), mx.cpu(1)]
    assert network.set_up((8, 6), devices) == 7
    parameters = network.collect_params()
    assert {name: parameter.shape for name, parameter in parameters.items()} == {
        "conv0_weight": (2, 3, 5, 5),
        "fc1_weight": (7, 2 * 4 * 2),
        "fc1_bias": (7,),
    }
    first, second = (parameters["conv0_weight"].data(device).asnumpy() for device in devices)
    np.testing.assert_array_equal(first, second)
    assert np.ptp(first) > 0
    np.testing.assert_array_equal(parameters["fc1_bias"].data(devices[1]).asnumpy(), np.zeros(7))


def test_pixels_are_scaled_inside(mx):
    network = Small()
    network.set_up((8, 8), [mx.cpu()])
    gray = mx.nd.full((1, 3, 8, 8), 127.5)
    np.testing.assert_array_equal(network(gray).asnumpy(), np.zeros((1, 7)))


def test_images_too_small_are_refused(mx):
    with pytest.raises(ValueError, match=r"does not take images of \(4, 8\)"):
        Small().set_up((4, 8), [mx.cpu()])
