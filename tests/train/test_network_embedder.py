import numpy as np
import pytest

network_embedder = pytest.importorskip("insightrec.train.network_embedder", reason="needs MXNet")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="needs MXNet")
NetworkEmbedder, device_pixels = network_embedder.NetworkEmbedder, network_embedder.device_pixels
pytestmark = pytest.mark.mxnet

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 3, 2, 3), np.uint8)  # height and width differ


def by_hand(network, images):
    pixels = (images.transpose(0, 3, 1, 2).reshape(len(images), -1) - 127.5) / 128
    weight, bias = (network.collect_params()[name].data().asnumpy() for name in ("fc1_weight", "fc1_bias"))
    return pixels @ weight.T + bias


def dense(size=4):
    return named_layers.FullyConnected("fc1", size)


@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_embeddings_come_in_the_order_of_the_images(mx, tiny_network, devices, batch_size):
    network = tiny_network(dense(), devices=devices, image_size=(3, 2))
    on = [mx.cpu(number) for number in range(devices)]
    embedder = NetworkEmbedder(network, on, (3, 2), batch_size=batch_size)
    embeddings = embedder.embed(IMAGES)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, by_hand(network, IMAGES), rtol=1e-5, atol=1e-5)
    parts = embedder.embed_on_devices(IMAGES)
    assert [part.context for part in parts] == [on[place % devices] for place in range(len(parts))]
    assert [len(part) for part in parts[:-1]] == [batch_size] * (len(parts) - 1)
    np.testing.assert_array_equal(np.concatenate([part.asnumpy() for part in parts]), embeddings)


def test_mirrored_images_are_taken(mx, tiny_network):
    network = tiny_network(dense(), image_size=(3, 2))
    embedder = NetworkEmbedder(network, [mx.cpu()], (3, 2))
    mirrored = IMAGES[:, :, ::-1]
    np.testing.assert_allclose(embedder.embed(mirrored), by_hand(network, mirrored), rtol=1e-5, atol=1e-5)


def test_no_images_give_no_arrays(mx, tiny_network):
    assert NetworkEmbedder(tiny_network(dense()), [mx.cpu()], (2, 2)).embed_on_devices(IMAGES[:0]) == []


def test_it_is_the_network_as_it_is_now_and_in_inference(mx, tiny_network):
    network = tiny_network(
        named_layers.Dropout("dropout0", 0.5), dense(), named_layers.BatchNorm("bn"), image_size=(3, 2)
    )
    embedder = NetworkEmbedder(network, [mx.cpu()], (3, 2))
    first = embedder.embed(IMAGES)
    np.testing.assert_array_equal(embedder.embed(IMAGES), first)
    network.collect_params()["bn_moving_mean"].set_data(mx.nd.ones(4))
    np.testing.assert_allclose(embedder.embed(IMAGES), first - 1, atol=1e-4)


def test_a_map_is_one_embedding(mx, tiny_network):
    """Head Z ends in one."""
    network = tiny_network(named_layers.Convolution("conv", 5, kernel=2), image_size=(3, 2))
    assert NetworkEmbedder(network, [mx.cpu()], (3, 2)).embed(IMAGES).shape == (7, 10)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_pixels_are_0_to_255_with_the_channels_first(mx, dtype):
    pixels = device_pixels(IMAGES, mx.cpu(1), dtype)
    assert pixels.context == mx.cpu(1)
    assert pixels.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(pixels.asnumpy(), IMAGES.transpose(0, 3, 1, 2))


def test_pixels_are_a_copy(mx):
    """The feed's buffers are used again while the device still works on them."""
    images = IMAGES.copy()
    pixels = device_pixels(images, mx.cpu())
    images[:] = 0
    np.testing.assert_array_equal(pixels.asnumpy(), IMAGES.transpose(0, 3, 1, 2))
