"""A network that is being trained, as what the verification asks for: images in, embeddings out."""

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()


class NetworkEmbedder:
    """Embeddings by the network as it is now, in inference mode, shared over its devices.

    Args:
        network: an initialized `FaceNetwork`.
        devices: list of MXNet contexts that hold its parameters.
        image_size: (H, W).
        dtype: ``"float32"`` or ``"float16"``, of the network's input.
        batch_size: images a device takes at a time.
    """

    def __init__(self, network, devices, image_size, dtype="float32", batch_size=32):
        self._network = network
        self._devices = devices
        self._dtype = dtype
        self._batch_size = batch_size
        self.image_size = image_size

    def embed(self, images):
        """Embeddings of uint8 RGB (N, H, W, 3), float32 (N, D), in order and not normalised."""
        return np.concatenate([part.asnumpy() for part in self.embed_on_devices(images)])

    def embed_on_devices(self, images):
        """As `embed`, but a list of float32 arrays (n, D) that stay where they were computed, in order."""
        starts = range(0, len(images), self._batch_size)
        return [
            self._network(device_pixels(images[start : start + self._batch_size], device, self._dtype))
            .astype("float32")
            .flatten()  # head Z gives a map
            for start, device in zip(starts, self._devices * len(starts))
        ]


def device_pixels(images, device, dtype="float32"):
    """uint8 RGB (N, H, W, 3) as a network takes it: ``dtype`` (N, 3, H, W) on ``device``, values 0..255.

    Bytes travel; the layout changes on the device.
    """
    pixels = mx.nd.array(np.ascontiguousarray(images), ctx=device, dtype="uint8")
    return pixels.transpose((0, 3, 1, 2)).astype(dtype)
