"""Conversion rules of element-wise arithmetic, reductions, and cutting and joining."""

import numpy as np

from insightrec.deploy.node_conversion import rule

UNARY = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "abs": "Abs",
    "negative": "Neg",
}
BINARY = {
    "elemwise_add": "Add",
    "_plus": "Add",
    "_Plus": "Add",
    "elemwise_sub": "Sub",
    "_minus": "Sub",
    "_Minus": "Sub",
    "elemwise_mul": "Mul",
    "_mul": "Mul",
    "_Mul": "Mul",
    "elemwise_div": "Div",
    "_div": "Div",
    "_Div": "Div",
}
BROADCAST = {
    "broadcast_add": "Add",
    "broadcast_plus": "Add",
    "broadcast_sub": "Sub",
    "broadcast_minus": "Sub",
    "broadcast_mul": "Mul",
    "broadcast_div": "Div",
    "broadcast_maximum": "Max",
    "broadcast_minimum": "Min",
}
SCALAR = {
    "_plus_scalar": "Add",
    "_PlusScalar": "Add",
    "_minus_scalar": "Sub",
    "_MinusScalar": "Sub",
    "_mul_scalar": "Mul",
    "_MulScalar": "Mul",
    "_div_scalar": "Div",
    "_DivScalar": "Div",
    "_power_scalar": "Pow",
    "_PowerScalar": "Pow",
    "_maximum_scalar": "Max",
    "_MaximumScalar": "Max",
    "_minimum_scalar": "Min",
    "_MinimumScalar": "Min",
}
SCALAR_FIRST = {"_rminus_scalar": "Sub", "_RMinusScalar": "Sub", "_rdiv_scalar": "Div", "_RDivScalar": "Div"}
REDUCTION = {"sum": "ReduceSum", "sum_axis": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}
TO_THE_END = np.iinfo(np.int64).max  # ONNX Slice cuts it to the dimension's size


@rule(*UNARY)
def unary(call):
    x = call.value()
    return call.result(UNARY[call.node.op], [x.name], x.shape)


@rule(*BINARY, *BROADCAST)
def binary(call):
    op, left, right = call.node.op, call.value(0), call.value(1)
    if op in BINARY and not _may_be_equal(left.shape, right.shape):
        raise call.node.error(f"expected two inputs of one shape, found {left.shape} and {right.shape}")
    shape = _broadcast(call, left.shape, right.shape)
    return call.result({**BINARY, **BROADCAST}[op], [left.name, right.name], shape)


@rule(*SCALAR, *SCALAR_FIRST)
def scalar(call):
    op, x = call.node.op, call.value()
    number = call.constant("scalar", call.node.number("scalar", 1.0))
    if op in SCALAR_FIRST:
        return call.result(SCALAR_FIRST[op], [number, x.name], x.shape)
    return call.result(SCALAR[op], [x.name, number], x.shape)


@rule("add_n", "ElementWiseSum", "_sum")
def add_n(call):
    values = call.values()
    for value in values[1:]:
        if not _may_be_equal(values[0].shape, value.shape):
            raise call.node.error(f"expected inputs of one shape, found {values[0].shape} and {value.shape}")
    return call.result("Sum", [value.name for value in values], values[0].shape)


@rule("square")
def square(call):
    x = call.value()
    return call.result("Mul", [x.name, x.name], x.shape)


@rule(*REDUCTION)
def reduction(call):
    """Over ``axis``, one or several, or over everything, the batch included, which leaves shape (1,)."""
    node, x = call.node, call.value()
    rank = len(x.shape)
    axes = sorted(_axis(call, axis, rank) for axis in node.shape("axis", ()))
    if not axes:
        axes = list(range(rank))
    elif node.flag("exclude", False):
        axes = [axis for axis in range(rank) if axis not in axes]
    if not axes:  # all are excluded; ONNX would take no axes for all of them
        return call.result("Identity", [x.name], x.shape)
    keep = node.flag("keepdims", False)
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes]
    op_type = REDUCTION[node.op]
    # In opset 13 the sum takes its axes as an input, the others as an attribute.
    inputs = [x.name] + ([call.constant("axes", axes, np.int64)] if op_type == "ReduceSum" else [])
    attributes = {"keepdims": int(keep)} if op_type == "ReduceSum" else {"axes": axes, "keepdims": int(keep)}
    if shape:
        return call.result(op_type, inputs, shape, **attributes)
    one = call.constant("shape", [1], np.int64)
    return call.result("Reshape", [call.step(op_type, *inputs, **attributes), one], (1,))


@rule("Concat", "concat")
def concat(call):
    values = call.values()
    rank = len(values[0].shape)
    axis = _axis(call, call.node.integer("dim", 1), rank)
    for value in values[1:]:
        first, other = values[0].shape, value.shape
        if not _may_be_equal(first[:axis] + first[axis + 1 :], other[:axis] + other[axis + 1 :]):
            raise call.node.error(f"expected inputs that differ only in axis {axis}, found {first} and {other}")
    sizes = [value.shape[axis] for value in values]
    shape = list(values[0].shape)
    shape[axis] = None if None in sizes else sum(sizes)
    return call.result("Concat", [value.name for value in values], shape, axis=axis)


@rule("SliceChannel", "split")
def slice_channel(call):
    node, x = call.node, call.value()
    axis, count = _axis(call, node.integer("axis", 1), len(x.shape)), node.output_count
    size = x.shape[axis]
    if size is not None and size % count:
        raise node.error(f"expected axis {axis} to be a multiple of {count}, found shape {x.shape}")
    if node.flag("squeeze_axis", False):
        raise call.unsupported("squeeze_axis")
    part = (*x.shape[:axis], None if size is None else size // count, *x.shape[axis + 1 :])
    return call.result("Split", [x.name], *[part] * count, axis=axis)


@rule("slice_axis")
def slice_axis(call):
    node, x = call.node, call.value()
    axis = _axis(call, node.integer("axis", 0), len(x.shape))
    begin, end = node.integer("begin", 0), node.integer("end", None)
    size = x.shape[axis]
    shape = list(x.shape)
    if size is not None:
        shape[axis] = len(range(size)[begin:end])
    bounds = {"begin": begin, "end": TO_THE_END if end is None else end, "axis": axis}
    inputs = [call.constant(what, [number], np.int64) for what, number in bounds.items()]
    return call.result("Slice", [x.name, *inputs], shape)


@rule("tile")
def tile(call):
    x, reps = call.value(), call.node.shape("reps", ())
    if len(reps) > len(x.shape):
        raise call.unsupported(f"reps {reps} on {len(x.shape)} dimensions")
    reps = (1,) * (len(x.shape) - len(reps)) + reps
    shape = [None if size is None else size * times for size, times in zip(x.shape, reps)]
    return call.result("Tile", [x.name, call.constant("reps", reps, np.int64)], shape)


def _axis(call, axis, rank):
    if not -rank <= axis < rank:
        raise call.node.error(f"expected an axis of an input of {rank} dimensions, found {axis}")
    return axis % rank


def _may_be_equal(left, right):
    return len(left) == len(right) and all(a == b or None in (a, b) for a, b in zip(left, right))


def _broadcast(call, left, right):
    """The shape of an element-wise operation on shapes aligned at their last dimension."""
    rank = max(len(left), len(right))
    pairs = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in (left, right)))
    shape = []
    for a, b in pairs:
        if None not in (a, b) and a != b and 1 not in (a, b):
            raise call.node.error(f"expected shapes that broadcast, found {left} and {right}")
        shape.append(b if a == 1 else a if a is not None or b == 1 else b)
    return shape
