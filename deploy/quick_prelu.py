"""PReLU in ONNX models, rewritten into the same function in layers that ONNX Runtime runs faster on the CPU.

Some versions of ONNX Runtime compute PRelu number by number, which takes half of the time of MobileFaceNet or MTCNN.
As relu(x) - slope * relu(-x), with both products as depthwise 1x1 convolutions, it stays in the blocked layout that
the convolutions around it use, and is the fastest form in every version tried, 1.14 to 1.32. One of the two terms is
always zero, so every number is PRelu's, infinities and NaN included; only a zero may have the other sign.
(slope * x + (1 - slope) * relu(x) rounds, turns infinities into NaN, and is slower than PRelu in some versions.)

This is done when a model is loaded: files keep the plain PRelu, which other runtimes and GPUs run well.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.onnx_file import MAX_BYTES


def with_quick_prelu(model):
    """A model as ONNX Runtime takes it, bytes or the path of a file (str), with PReLU rewritten where it can be.

    A model without such layers, or one that is malformed, comes back as it is; so does a file that keeps weights in
    other files, as only its path says where they are.
    """
    try:
        data = _read(model) if isinstance(model, str) else model
        if b"PRelu" not in data:
            return model
        parsed = onnx.load_from_string(data)
        outside = any(tensor.data_location == TensorProto.EXTERNAL for tensor in parsed.graph.initializer)
        return model if outside or not rewrite_prelu(parsed) else parsed.SerializeToString()
    except Exception:  # of many kinds; what is wrong with the model, ONNX Runtime says
        return model


def rewrite_prelu(model):
    """Rewrite PReLU in an ``onnx.ModelProto``, in place.

    Rewritten are layers with one float32 slope for each channel, an initializer, on a map (B, C, H, W) that is seen
    to come from a convolution; others are left alone.

    Returns:
        How many layers were rewritten.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    channels = {}  # of the values known to be maps
    nodes, count = [], 0
    for node in graph.node:
        found = _channels(node, weights, channels)
        if found:
            channels[node.output[0]] = found
        slope = _slope(node, weights, found)
        if slope is None:
            nodes.append(node)
        else:
            nodes += _split(graph, node, slope)
            count += 1
    del graph.node[:]
    graph.node.extend(nodes)
    return count


def _channels(node, weights, channels):
    """C where the node's output is a map (B, C, H, W), else None as far as can be told."""
    if node.op_type == "Conv" and node.input[1] in weights:
        shape = weights[node.input[1]].dims
        return shape[0] if len(shape) == 4 else None
    if node.op_type in ("BatchNormalization", "PRelu"):
        return channels.get(node.input[0])
    if node.op_type == "Add":
        first, second = map(channels.get, node.input)
        return first if first == second else None
    return None


def _slope(node, weights, channels):
    """float32 (C, 1, 1, 1) of a PRelu that can be rewritten, else None."""
    tensor = weights.get(node.input[1]) if channels and node.op_type == "PRelu" else None
    if tensor is None or tensor.data_type != TensorProto.FLOAT:
        return None
    if tuple(tensor.dims) not in ((channels, 1, 1), (1, channels, 1, 1)):
        return None
    return numpy_helper.to_array(tensor).reshape(channels, 1, 1, 1)


def _split(graph, node, slope):
    x, y = node.input[0], node.output[0]
    names = ("positive", "mirrored", "negative", "scaled", "minus_one", "minus_slope")
    positive, mirrored, negative, scaled, minus_one, minus_slope = (f"{y}/{name}" for name in names)
    graph.initializer.append(numpy_helper.from_array(np.full_like(slope, -1), minus_one))
    graph.initializer.append(numpy_helper.from_array(-slope, minus_slope))
    return [
        helper.make_node("Relu", [x], [positive]),
        helper.make_node("Conv", [x, minus_one], [mirrored], group=len(slope)),
        helper.make_node("Relu", [mirrored], [negative]),
        helper.make_node("Conv", [negative, minus_slope], [scaled], group=len(slope)),
        helper.make_node("Add", [positive, scaled], [y]),
    ]


def _read(path):
    path = Path(path)
    return path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
