"""Conversion rules of the layers: convolution, pooling, normalisation, activation, fully connected, softmax.

The defaults are MXNet's, and differ from other frameworks' in places: BatchNorm has ``fix_gamma`` on and
eps 1e-3, FullyConnected flattens, average pooling counts the padding.
"""

import math

import numpy as np

from insightrec.deploy.node_conversion import rule

ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}


@rule("Convolution", "Convolution_v1")
def convolution(call):
    node, x = call.node, call.value()
    kernel = _window(call, "kernel", None)
    if node.text("layout", "NCHW") not in ("NCW", "NCHW", "NCDHW"):
        raise call.unsupported(f"layout {node.text('layout', None)}")
    stride, dilate = _window(call, "stride", 1), _window(call, "dilate", 1)
    pad = _window(call, "pad", 0)
    filters, groups = node.integer("num_filter", 0), node.integer("num_group", 1)
    if filters < 1 or groups < 1 or filters % groups:
        raise node.error(f"expected num_filter to be a multiple of num_group, found {filters} and {groups}")
    channels = None if x.shape[1] is None else x.shape[1] // groups
    inputs = [x.name, call.parameter(1, (filters, channels, *kernel))]
    if not node.flag("no_bias", False):
        inputs.append(call.parameter(2, (filters,)))
    reach = [d * (k - 1) + 1 for d, k in zip(dilate, kernel)]
    spatial = [_positions(size, *window) for size, *window in zip(x.shape[2:], reach, stride, pad)]
    return call.result(
        "Conv",
        inputs,
        (x.shape[0], filters, *spatial),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilate,
        pads=pad * 2,
        group=groups,
    )


@rule("Pooling", "Pooling_v1")
def pooling(call):
    node, x = call.node, call.value()
    kind = node.text("pool_type", "max")
    if kind not in ("max", "avg"):
        raise call.unsupported(f"pool_type {kind}")
    if node.flag("global_pool", False):
        ones = (1,) * (len(x.shape) - 2)
        return call.result("GlobalMaxPool" if kind == "max" else "GlobalAveragePool", [x.name], (*x.shape[:2], *ones))
    convention = node.text("pooling_convention", "valid")
    if convention not in ("valid", "full"):
        raise call.unsupported(f"pooling_convention {convention}")
    kernel, stride, pad = _window(call, "kernel", None), _window(call, "stride", 1), _window(call, "pad", 0)
    ceil = convention == "full"
    if node.op == "Pooling_v1" and ((kind == "max" and any(pad)) or (kind == "avg" and ceil)):
        raise call.unsupported("Pooling_v1's arithmetic at the edges")  # it differs from Pooling's
    count_pad = node.flag("count_include_pad", True) and any(pad)
    if ceil and kind == "avg" and count_pad:
        # How much of the padding a window past the edge counts differs between versions of ONNX Runtime.
        raise call.unsupported("average pooling with padding and pooling_convention full")
    spatial = [_positions(size, *window, ceil=ceil) for size, *window in zip(x.shape[2:], kernel, stride, pad)]
    for size, count, step, border in zip(x.shape[2:], spatial, stride, pad):
        if ceil and size is not None and (count - 1) * step >= size + border:
            raise call.unsupported("a pooling window that begins past the image")
    return call.result(
        "MaxPool" if kind == "max" else "AveragePool",
        [x.name],
        (*x.shape[:2], *spatial),
        kernel_shape=kernel,
        strides=stride,
        pads=pad * 2,
        ceil_mode=int(ceil),
        count_include_pad=int(count_pad) if kind == "avg" else None,
    )


@rule("BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm")
def batch_norm(call):
    node, x = call.node, call.value()
    if node.integer("axis", 1) not in (1, 1 - len(x.shape)):
        raise call.unsupported(f"axis {node.integer('axis', 1)}")
    beta, mean, var = (call.parameter(index, x.shape[1:2]) for index in (2, 3, 4))
    if node.flag("fix_gamma", True):  # gamma is 1 whatever the file holds
        gamma = call.constant("gamma", np.ones_like(call.onnx.initializers[beta]))
    else:
        gamma = call.parameter(1, x.shape[1:2])
    inputs = [x.name, gamma, beta, mean, var]
    return call.result("BatchNormalization", inputs, x.shape, epsilon=node.number("eps", 1e-3))


@rule("FullyConnected")
def fully_connected(call):
    node, x = call.node, call.value()
    hidden = node.integer("num_hidden", 0)
    flatten = node.flag("flatten", True) or len(x.shape) == 2
    name, features = _flattened(call, x) if flatten else (x.name, x.shape[-1])
    has_bias = not node.flag("no_bias", False)
    if flatten:
        inputs = [name, call.parameter(1, (hidden, features))] + ([call.parameter(2, (hidden,))] if has_bias else [])
        return call.result("Gemm", inputs, (x.shape[0], hidden), transB=1)
    weight = call.step("Transpose", call.parameter(1, (hidden, features)), perm=(1, 0))
    if not has_bias:
        return call.result("MatMul", [name, weight], (*x.shape[:-1], hidden))
    product = call.step("MatMul", name, weight)
    return call.result("Add", [product, call.parameter(2, (hidden,))], (*x.shape[:-1], hidden))


@rule("LeakyReLU")
def leaky_relu(call):
    node, x = call.node, call.value()
    kind = node.text("act_type", "leaky")
    if kind == "prelu":
        # ONNX aligns the slope with the last dimensions, MXNet with the channels.
        spread = (-1,) + (1,) * (len(x.shape) - 2)
        slope = call.parameter(1, (None,), stored_shape=spread)
        return call.result("PRelu", [x.name, slope], x.shape)
    if kind == "leaky":
        return call.result("LeakyRelu", [x.name], x.shape, alpha=node.number("slope", 0.25))
    if kind == "elu":
        return call.result("Elu", [x.name], x.shape, alpha=node.number("slope", 0.25))
    raise call.unsupported(f"act_type {kind}")


@rule("Activation")
def activation(call):
    x, kind = call.value(), call.node.text("act_type", "")
    if kind not in ACTIVATIONS:
        raise call.unsupported(f"act_type {kind!r}")
    return call.result(ACTIVATIONS[kind], [x.name], x.shape)


@rule("Dropout", "_copy", "identity", "BlockGrad", "stop_gradient", "Cast", "cast")
def identity(call):
    """What does nothing at inference in float32."""
    if call.node.text("mode", "training") != "training":
        raise call.unsupported(f"mode {call.node.text('mode', None)}")
    if call.node.text("dtype", "float32") not in ("float16", "float32", "float64"):
        raise call.unsupported(f"dtype {call.node.text('dtype', None)}")
    x = call.value()
    return call.result("Identity", [x.name], x.shape)


@rule("Flatten", "flatten")
def flatten(call):
    x = call.value()
    return call.result("Flatten", [x.name], (x.shape[0], _product(x.shape[1:])), axis=1)


@rule("SoftmaxOutput", "Softmax", "SoftmaxActivation", "softmax")
def softmax(call):
    """Softmax over the channels; SoftmaxOutput's label matters in training only."""
    node, x = call.node, call.value()
    if node.op == "softmax":
        axis = node.integer("axis", -1)
        if node.number("temperature", 1.0) != 1.0:
            raise call.unsupported("temperature")
    elif node.flag("preserve_shape", False):
        axis = -1
    else:
        axis = 1
        by_channel = node.flag("multi_output", False) or node.text("mode", "instance") == "channel"
        if len(x.shape) != 2 and not by_channel:
            raise call.unsupported(f"softmax over everything but the batch of {len(x.shape)} dimensions")
    return call.result("Softmax", [x.name], x.shape, axis=axis)


@rule("L2Normalization")
def l2_normalization(call):
    """x / sqrt(sum(x^2) + eps), the sum over all but the batch, the channels, or all but both."""
    node, x = call.node, call.value()
    every = range(len(x.shape))
    axes = {"instance": every[1:], "channel": every[1:2], "spatial": every[2:]}.get(node.text("mode", "instance"))
    if not axes:
        raise call.unsupported(f"mode {node.text('mode', None)} on {len(x.shape)} dimensions")
    squares = call.step("ReduceSumSquare", x.name, axes=list(axes), keepdims=1)
    shifted = call.step("Add", squares, call.constant("eps", node.number("eps", 1e-10)))
    return call.result("Div", [x.name, call.step("Sqrt", shifted)], x.shape)


def _window(call, key, default):
    """A kernel, stride, dilation or padding: one number for each spatial dimension."""
    spatial = len(call.value().shape) - 2
    window = call.node.shape(key, None) or (() if default is None else (default,) * spatial)
    least = 0 if key == "pad" else 1
    if spatial < 1 or len(window) != spatial or min(window) < least:
        raise call.node.error(f"attribute {key}: expected {spatial} numbers of {least} and more, found {window}")
    return window


def _positions(size, kernel, stride, pad, ceil=False):
    """How many positions a window takes along one dimension."""
    if size is None:
        return None
    room = size + 2 * pad - kernel
    return (-(-room // stride) if ceil else room // stride) + 1


def _flattened(call, x):
    """(name, features) of ``x`` as a matrix with a row for each image."""
    if len(x.shape) == 2:
        return x.name, x.shape[1]
    return call.step("Flatten", x.name, axis=1), _product(x.shape[1:])


def _product(sizes):
    return None if None in sizes else math.prod(sizes)
