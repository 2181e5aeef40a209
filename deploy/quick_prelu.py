"""PReLU in ONNX models, rewritten into the same function in layers that ONNX Runtime runs faster on the CPU.

With ONNX Runtime's PRelu, MobileFaceNet takes more than twice the CPU time, in version 1.14, the oldest supported, and
in 1.32 (benchmarks/results/prelu.csv). As relu(x) - slope * relu(-x), with both products as depthwise 1x1 convolutions,
it stays in the blocked layout that the convolutions around it use. One of the two terms is always zero, so every number
is PRelu's, infinities and NaN included; only a zero may have the other sign. (slope * x + (1 - slope) * relu(x) rounds,
and turns infinities into NaN.)

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

    Rewritten are layers with one finite float32 slope for each channel, an initializer, on a map (B, C, H, W) that is
    seen to come from a convolution; others are left alone. Slopes that nothing uses any more are dropped.

    Returns:
        How many layers were rewritten.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    channels = {}  # of the values known to be maps
    nodes, replaced = [], []
    for node in graph.node:
        found = _channels(node, weights, channels)
        if found:
            channels[node.output[0]] = found
        slope = _slope(node, weights, found)
        if slope is None:
            nodes.append(node)
        else:
            nodes += _split(node, slope)
            replaced.append(node.input[1])
    del graph.node[:]
    graph.node.extend(nodes)
    _drop(graph, set(replaced) - _used(graph))
    return len(replaced)


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
    slope = numpy_helper.to_array(tensor).reshape(channels, 1, 1, 1)
    return slope if np.isfinite(slope).all() else None  # of the term that is zero, others would make NaN


def _split(node, slope):
    """The nodes in place of a PRelu. Weights are constants: older IR versions list initializers among the inputs."""
    x, y = node.input[0], node.output[0]
    names = ("positive", "mirrored", "negative", "scaled", "minus_one", "minus_slope")
    positive, mirrored, negative, scaled, minus_one, minus_slope = (f"{y}/{name}" for name in names)
    return [
        helper.make_node("Constant", [], [minus_one], value=numpy_helper.from_array(np.full_like(slope, -1))),
        helper.make_node("Constant", [], [minus_slope], value=numpy_helper.from_array(-slope)),
        helper.make_node("Relu", [x], [positive]),
        helper.make_node("Conv", [x, minus_one], [mirrored], group=len(slope)),
        helper.make_node("Relu", [mirrored], [negative]),
        helper.make_node("Conv", [negative, minus_slope], [scaled], group=len(slope)),
        helper.make_node("Add", [positive, scaled], [y]),
    ]


def _used(graph):
    """Names of the values that a graph takes from somewhere, those in the graphs inside its nodes included."""
    names = {value.name for value in graph.output}
    for node in graph.node:
        names.update(node.input)
        for attribute in node.attribute:
            names.update(*map(_used, [attribute.g, *attribute.graphs]))
    return names


def _drop(graph, names):
    """Take initializers out, and out of the inputs where they are listed there too."""
    for listed in (graph.initializer, graph.input):
        for place in reversed(range(len(listed))):
            if listed[place].name in names:
                del listed[place]


def _read(path):
    path = Path(path)
    return path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
