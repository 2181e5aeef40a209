"""Costs of layers, counted by hand and by a loop over every product that is added up."""

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.graph_cost import infer_for_one_image, layer_costs, value_shapes
from insightrec.recordio_tools.errors import ModelError


def model(nodes, weights, data=("n", 3, 8, 6), outputs=("y",), kind=TensorProto.FLOAT, result=TensorProto.FLOAT):
    """Weights by name: an array, or a shape of float32 zeros."""
    arrays = {
        name: item if isinstance(item, np.ndarray) else np.zeros(item, np.float32) for name, item in weights.items()
    }
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("data", kind, data)],
        [helper.make_tensor_value_info(name, result, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def one(op, weights, data=("n", 3, 8, 6), types=(TensorProto.FLOAT, TensorProto.FLOAT), **attributes):
    """The cost of one node on the image and its weights."""
    node = helper.make_node(op, ["data", *weights], ["y"], name="node", **attributes)
    (cost,) = layer_costs(infer_for_one_image(model([node], weights, data, ("y",), *types)))
    return cost


def products_of_convolution(height, width, channels, filters, kernel, stride, pad, groups):
    """Count, one by one, the products a convolution adds up, those with padding included."""
    count = 0
    for _ in range(filters):
        for y, x in itertools.product(
            range(0, height + 2 * pad - kernel + 1, stride), range(0, width + 2 * pad - kernel + 1, stride)
        ):
            assert y + kernel <= height + 2 * pad
            assert x + kernel <= width + 2 * pad
            count += (channels // groups) * kernel * kernel
    return count


def test_one_convolution_by_hand():
    # conv_1 of MobileFaceNet: 3x3/2, 3 -> 64 channels, 112 -> 56: 56 * 56 * 64 * (3 * 3 * 3)
    attributes = {"strides": (2, 2), "pads": (1, 1, 1, 1)}
    cost = one("Conv", {"w": (64, 3, 3, 3)}, ("n", 3, 112, 112), **attributes)
    assert cost == ("node", "Conv", (1, 64, 56, 56), 1728, 5_419_008)


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 3, 0)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions(kernel, stride, pad, groups):
    weights = {"w": (8, 4 // groups, kernel, kernel), "b": (8,)}
    cost = one("Conv", weights, ("n", 4, 9, 7), group=groups, strides=(stride, stride), pads=(pad,) * 4)
    assert cost.multiply_adds == products_of_convolution(9, 7, 4, 8, kernel, stride, pad, groups)
    assert cost.parameters == 8 * 4 // groups * kernel**2 + 8


def test_transposed_convolution():
    cost = one("ConvTranspose", {"w": (3, 5, 2, 2)}, ("n", 3, 4, 4), strides=(2, 2))
    assert cost.output_shape == (1, 5, 8, 8)
    assert cost.multiply_adds == 4 * 4 * 3 * 5 * 2 * 2


def test_int8_convolution():
    weights = {"w": np.zeros((4, 3, 3, 3), np.uint8)}
    cost = one("ConvInteger", weights, types=(TensorProto.UINT8, TensorProto.INT32))
    assert (cost.parameters, cost.multiply_adds) == (108, 6 * 4 * 4 * 27)


def products(op, weight, **attributes):
    nodes = [
        helper.make_node("Flatten", ["data"], ["x"], name="flat"),
        helper.make_node(op, ["x", "w"], ["y"], name="product", **attributes),
    ]
    return layer_costs(infer_for_one_image(model(nodes, {"w": weight}, ("n", 3, 2, 2))))[1]


def test_products():
    assert products("Gemm", (5, 12), transB=1)[2:] == ((1, 5), 60, 60)
    assert products("Gemm", (12, 5))[2:] == ((1, 5), 60, 60)
    assert products("MatMul", (12, 5))[2:] == ((1, 5), 60, 60)
    assert products("MatMul", (12,))[2:] == ((1,), 12, 12)


def test_element_wise_work_is_not_counted_and_constants_are_no_parameters():
    nodes = [
        helper.make_node("Mul", ["data", "scale"], ["a"], name="mul"),
        helper.make_node("PRelu", ["a", "slope"], ["b"], name="prelu"),
        helper.make_node("Reshape", ["b", "shape"], ["y"], name="reshape"),
    ]
    weights = {"scale": np.array(0.5, np.float32), "slope": (3, 1, 1), "shape": np.array([0, -1])}
    costs = layer_costs(infer_for_one_image(model(nodes, weights)))
    assert [(cost.parameters, cost.multiply_adds) for cost in costs] == [(0, 0), (3, 0), (0, 0)]
    assert costs[-1].output_shape == (1, 144)


def test_shared_weights_are_counted_once_and_their_work_twice():
    nodes = [
        helper.make_node("Conv", ["data", "w"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "w"], ["y"], name="second"),
    ]
    costs = layer_costs(infer_for_one_image(model(nodes, {"w": (3, 3, 1, 1)})))
    assert [(cost.parameters, cost.multiply_adds) for cost in costs] == [(9, 432), (0, 432)]


def test_unknown_shapes_give_unknown_costs():
    nodes = [
        helper.make_node("Foreign", ["data"], ["x"], name="foreign", domain="elsewhere"),
        helper.make_node("Conv", ["x", "w"], ["y"], name="conv"),
    ]
    net = model(nodes, {"w": (3, 3, 1, 1)})
    net.opset_import.append(helper.make_opsetid("elsewhere", 1))
    costs = layer_costs(infer_for_one_image(net))
    assert [cost.multiply_adds for cost in costs] == [None, None]
    assert costs[0].output_shape is None


def test_one_image_of_the_size_asked_for():
    net = model([helper.make_node("Relu", ["data"], ["y"])], {}, (8, 3, "h", "w"))
    before = net.SerializeToString()
    shapes = value_shapes(infer_for_one_image(net, (3, 10, 12)))
    assert shapes["data"] == shapes["y"] == (1, 3, 10, 12)
    assert value_shapes(infer_for_one_image(net))["y"] == (1, 3, None, None)
    assert net.SerializeToString() == before


@pytest.mark.parametrize(
    ("data", "shape", "message"),
    [
        ((1, 3, 8, 6), (3, 9, 6), "input 'data': expected H = 8, as the model declares, found 9"),
        ((1, 3, 8, 6), (1, 8, 6), "input 'data': expected C = 3, as the model declares, found 1"),
        ((1, 48), (3, 8, 6), r"expected one input of \(B, C, H, W\), found data of 2 dimensions"),
    ],
)
def test_another_input(data, shape, message):
    with pytest.raises(ModelError, match=message):
        infer_for_one_image(model([helper.make_node("Relu", ["data"], ["y"])], {}, data), shape)


def test_a_graph_that_names_no_opset():
    net = model([helper.make_node("Relu", ["data"], ["y"])], {})
    del net.opset_import[:]
    with pytest.raises(ModelError, match="shapes cannot be inferred: ") as raised:
        infer_for_one_image(net)
    assert "\n" not in str(raised.value)


def test_weights_listed_as_inputs_are_no_images():
    net = model([helper.make_node("Conv", ["data", "w"], ["y"])], {"w": (4, 3, 1, 1)})
    net.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 3, 1, 1)))
    assert layer_costs(infer_for_one_image(net))[0].multiply_adds == 4 * 3 * 48
