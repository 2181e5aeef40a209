"""ONNX models with 8-bit weights, by ONNX Runtime's dynamic quantization."""

import contextlib
import logging
import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from insightrec.recordio_tools.errors import ModelError, one_line


def quantize_int8(model, source):
    """A serialized model (bytes) whose convolutions and matrix products have uint8 weights and activations.

    Depthwise convolutions stay float32: they hold few of the weights, and in 8 bits they cost most of the accuracy
    (the released MobileFaceNet keeps a cosine of 0.998 to its float embeddings without them, 0.92 with them).
    Weights are unsigned because ONNX Runtime's convolution of signed ones takes more than twice as long on the CPU.
    Activations are scaled by their range over the batch, so an embedding depends a little on its batch.

    Args:
        model: ``onnx.ModelProto`` in float32.
        source: what to call it in an error.

    Raises:
        ModelError: ONNX Runtime cannot quantize it.
    """
    depthwise = [node.name for node in model.graph.node if node.op_type == "Conv" and _groups(node) > 1]
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        original, quantized = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, str(original))
        try:
            quantize_dynamic(original, quantized, weight_type=QuantType.QUInt8, nodes_to_exclude=depthwise)
        except Exception as error:  # its exceptions share no other base
            raise ModelError(f"{source}: cannot be quantized: {one_line(error)}") from None
        return quantized.read_bytes()


def _groups(node):
    return next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)


@contextlib.contextmanager
def _without_advice():
    """The quantizer logs, for every model, that it could be optimized first; here that only loses accuracy."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
