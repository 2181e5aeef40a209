"""Aligned faces to embeddings, by a released model in MXNet's or ONNX's format."""

import numpy as np

from insightrec.deploy.model_files import ModelFiles, find_model
from insightrec.deploy.mxnet_network import MXNetNetwork
from insightrec.deploy.network_input import CHANNELS, network_input
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools import MAX_PIXELS
from insightrec.recordio_tools.errors import ImageError, ModelError

BACKENDS = ("onnxruntime", "mxnet")
IMAGE_SIZE = (112, 112)  # of InsightFace's models; their graphs do not say it


class Embedder:
    """A model that turns aligned faces into embeddings.

    Args:
        model: ``prefix,epoch`` (MXNet), a path ending in ``.onnx``, or `ModelFiles`.
        output: the output to take; None is ``fc1_output`` of an MXNet model, or what stands in its place
            (`SymbolGraph.embedding_output`), and the first output of an ONNX model.
        image_size: (height, width). None is what the ONNX file declares; where it declares none, and for
            MXNet models, whose graphs carry no size, ``default_size``.
        default_size: (height, width) where neither ``image_size`` nor the model says it.
        color: ``"rgb"``, or ``"gray"`` for models of one channel (OpenCV's RGB2GRAY).
        mean, scale: the network sees (pixel - mean) * scale. The defaults feed 0..255, which is right for
            InsightFace's models: they scale inside.
        backend: ``"onnxruntime"``, or ``"mxnet"`` to run an MXNet model in MXNet itself.
        threads: threads of one operator in ONNX Runtime; None is all cores. MXNet's are set by
            ``OMP_NUM_THREADS``.
        gpu: number of the CUDA device, -1 for the CPU.
        batch_size: images per forward pass.

    Attributes:
        name: the model's file name without its ending.
        image_size: (height, width) of the images it takes.
        embedding_size: D.
        fixed_batch: images in each forward pass of an ONNX model that takes no other number, whatever ``batch_size``
            is: the last pass of a call is filled up with blank ones, and takes as long. None where it takes any.

    Raises:
        ModelError: files missing or damaged, operator not supported, no such output, or a model that does not
            take images of this size and colour; images of more than `recordio_tools.MAX_PIXELS` pixels.
        InputError: the backend or the GPU is not there.
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        model,
        *,
        output=None,
        image_size=None,
        default_size=IMAGE_SIZE,
        color="rgb",
        mean=0.0,
        scale=1.0,
        backend="onnxruntime",
        threads=None,
        gpu=-1,
        batch_size=32,
    ):
        if color not in CHANNELS or backend not in BACKENDS or batch_size < 1:
            raise ValueError(
                f"expected a color of {', '.join(CHANNELS)}, a backend of {', '.join(BACKENDS)} and a batch_size of 1 "
                f"or more, found {color!r}, {backend!r} and {batch_size}"
            )
        files = model if isinstance(model, ModelFiles) else find_model(model)
        self.name = files.name
        self.image_size = self._bounded(image_size or default_size)
        self._channels = CHANNELS[color]
        self._input = {"color": color, "mean": mean, "scale": scale}
        self._batch_size = batch_size
        self.fixed_batch = None
        if files.params is None:
            self._network = self._open_onnx(files, output, image_size, backend, threads, gpu)
        elif backend == "mxnet":
            self._network = MXNetNetwork(files, output=output, gpu=gpu)
        else:
            converted = convert(
                read_symbol(files.graph),
                read_params(files.params),
                outputs=[output] if output else None,
                input_shape=(self._channels, *self.image_size),
            )
            self._network = OnnxNetwork(converted.SerializeToString(), str(files.params), threads=threads, gpu=gpu)
        blank = np.zeros((1, *self.image_size, 3), np.uint8)
        self.embedding_size = self._forward(blank).shape[1]

    def embed(self, images):
        """Embeddings of ``images``, in order, as the network gives them (not normalized).

        An image's embedding does not depend on its batch, but for the head GNAP, which divides by a mean over
        the batch, here as in MXNet.

        Args:
            images: uint8 RGB (N, H, W, 3), 0..255, of `image_size`; N may be 0.

        Returns:
            float32 (N, D).

        Raises:
            ImageError: another shape or dtype.
        """
        height, width = self.image_size
        is_array = isinstance(images, np.ndarray)
        if not is_array or images.dtype != np.uint8 or images.shape[1:] != (height, width, 3):
            found = f"{images.dtype} {images.shape}" if is_array else type(images).__name__
            raise ImageError(f"{self.name}: expected images as uint8 (N, {height}, {width}, 3), found {found}")
        embeddings = np.empty((len(images), self.embedding_size), np.float32)
        step = self.fixed_batch or self._batch_size
        for start in range(0, len(images), step):
            embeddings[start : start + step] = self._forward(images[start : start + step])
        return embeddings

    def _forward(self, images):
        """(B, D) of one batch; a model of fixed batch size sees blank images after the last."""
        batch = network_input(images, rows=self.fixed_batch, **self._input)
        return self._network(batch)[: len(images)].reshape(len(images), -1)  # head Z gives maps

    def _open_onnx(self, files, output, image_size, backend, threads, gpu):
        if backend != "onnxruntime":
            raise ModelError(f"{files.graph}: an ONNX model does not run in MXNet; use the backend onnxruntime")
        network = OnnxNetwork(str(files.graph), str(files.graph), output=output, threads=threads, gpu=gpu)
        self.fixed_batch, channels, height, width = network.input_shape
        if channels not in (None, self._channels):
            raise ModelError(
                f"{files.graph}: expected an input of {self._channels} channels, found {network.input_shape}; "
                "is the color another, or the channel last?"
            )
        declared = (height or self.image_size[0], width or self.image_size[1])
        if image_size is not None and declared != self.image_size:
            raise ModelError(f"{files.graph}: expected images of {self.image_size}, found an input of {declared}")
        self.image_size = self._bounded(declared)
        return network

    def _bounded(self, size):
        height, width = size
        if height * width > MAX_PIXELS:
            raise ModelError(f"{self.name}: expected images of at most {MAX_PIXELS} pixels, found {height}x{width}")
        return height, width
