"""ONNX files, read as the graph they hold."""

from pathlib import Path

import onnx
from onnx import TensorProto

from insightrec.recordio_tools.errors import ModelError, one_line

MAX_BYTES = (1 << 31) - 1  # protocol buffers hold no more


def read_onnx(path):
    """Read a ``.onnx`` file into an ``onnx.ModelProto`` that ONNX's own checker accepts.

    Raises:
        ModelError: cannot be read, is no ONNX model, fails the checker, or keeps its weights in other files.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if data is None:
        raise ModelError(f"{path}: expected at most {MAX_BYTES} bytes, found {size}")
    try:
        model = onnx.load_from_string(data)
        outside = [item.name for item in model.graph.initializer if item.data_location == TensorProto.EXTERNAL]
        if not outside:
            onnx.checker.check_model(model)
    except Exception as error:  # protocol buffers' and the checker's exceptions share no other base
        raise ModelError(f"{path}: expected an ONNX model, found {one_line(error)}") from None
    if outside:
        raise ModelError(
            f"{path}: expected all weights in the file, found {outside[0]!r} elsewhere; save it as one file"
        )
    return model
