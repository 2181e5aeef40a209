"""What each layer of an ONNX model costs: parameters, and multiply-adds for one image.

Multiply-adds are those of convolutions and matrix products, one for each product that is added up, so that FLOPs are
about twice as many. Bias, normalization, activation, pooling and other element-wise arithmetic are not counted, as
papers do not count them.
"""

import math
from typing import NamedTuple, Optional

import onnx
from onnx import TensorProto, shape_inference

from insightrec.recordio_tools.errors import ModelError, one_line

CONVOLUTIONS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3}  # and which input the weights are
PRODUCTS = {"Gemm": 1, "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
UNCOUNTED = (TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING)  # shapes, axes and the like


class LayerCost(NamedTuple):
    """One node of the graph."""

    name: str
    operator: str
    output_shape: "Optional[tuple[Optional[int], ...]]"  # for one image; None where inference finds none
    parameters: int  # numbers in its weights, moving mean and variance included; shared ones with their first user
    multiply_adds: Optional[int]  # None where a shape is unknown, or the operator is not of ONNX itself


def layer_costs(model):
    """The costs of every node of a model that `infer_for_one_image` made: list of `LayerCost`, in the graph's order."""
    shapes = value_shapes(model)
    weights = {item.name: item for item in model.graph.initializer}
    seen = set()
    costs = []
    for node in model.graph.node:
        own = [weights[name] for name in dict.fromkeys(node.input) if name in weights and name not in seen]
        seen.update(node.input)
        shape = shapes.get(node.output[0]) if node.output else None
        parameters = sum(map(parameter_count, own))
        costs.append(LayerCost(node.name, node.op_type, shape, parameters, _multiply_adds(node, shapes)))
    return costs


def parameter_count(initializer):
    """How many parameters an initializer holds: none where it is a single constant, a shape or axes."""
    if initializer.data_type in UNCOUNTED or not initializer.dims:
        return 0
    return math.prod(initializer.dims)


def infer_for_one_image(model, image_shape=(None, None, None)):
    """A copy of an ``onnx.ModelProto`` whose input is one image, with the shape of every value that can be inferred.

    Args:
        model: any model of one input (B, C, H, W).
        image_shape: (C, H, W); None in it is what the model declares.

    Raises:
        ModelError: another input, or one declared to be of another shape; shapes that cannot be inferred.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]  # they may name the batch, and would be contradicted
    data = image_input(copy)
    declared = data.type.tensor_type.shape.dim
    declared[0].dim_value = 1
    for dimension, name, size in zip(declared[1:], "CHW", image_shape):
        if size and dimension.dim_value not in (0, size):
            raise ModelError(
                f"input {data.name!r}: expected {name} = {dimension.dim_value}, as the model declares, found {size}"
            )
        if size:
            dimension.dim_value = size
    for output in copy.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return shape_inference.infer_shapes(copy, data_prop=True)
    except Exception as error:  # its exceptions share no other base
        raise ModelError(f"shapes cannot be inferred: {one_line(error)}") from None


def image_input(model):
    """The ``ValueInfoProto`` of the one input that is no initializer, of four dimensions.

    Raises:
        ModelError: there is no such input, or there are several.
    """
    weights = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        found = ", ".join(f"{item.name} of {len(item.type.tensor_type.shape.dim)} dimensions" for item in inputs)
        raise ModelError(f"expected one input of (B, C, H, W), found {found or 'none'}")
    return inputs[0]


def value_shapes(model):
    """Shapes by value name, of all that have one: tuples, None being a dimension that is not known."""
    shapes = {item.name: tuple(item.dims) for item in model.graph.initializer}
    for item in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        tensor = item.type.tensor_type
        if tensor.HasField("shape"):
            shapes[item.name] = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    return shapes


def _multiply_adds(node, shapes):
    """Of one node for one image, as `LayerCost` has it."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type in CONVOLUTIONS:
        # Each output sums over its group's input channels and the kernel; transposed, each input goes to as many.
        weight = _known(shapes, node.input[CONVOLUTIONS[node.op_type]])
        every = _known(shapes, node.input[0] if node.op_type == "ConvTranspose" else node.output[0])
        return None if None in (weight, every) else math.prod(every) * math.prod(weight[1:])
    if node.op_type in PRODUCTS:  # each output sums over the right matrix's rows
        weight = _known(shapes, node.input[PRODUCTS[node.op_type]])
        every = _known(shapes, node.output[0])
        if None in (weight, every):
            return None
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        return math.prod(every) * (weight[-1] if transposed else weight[-2:][0])
    return 0


def _known(shapes, name):
    shape = shapes.get(name)
    return None if shape is None or None in shape else shape
