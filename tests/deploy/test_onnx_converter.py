import json

import numpy as np
import onnx
import pytest

from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import Params
from insightrec.deploy.symbol_graph import parse_symbol
from insightrec.recordio_tools.errors import ModelError


def network(*layers):
    """A graph from (op, name, attributes, inputs by name); inputs that no layer makes are variables."""
    nodes, index = [], {}

    def add(op, name, attributes, inputs):
        index[name] = len(nodes)
        nodes.append({"op": op, "name": name, "attrs": attributes, "inputs": [[i, 0, 0] for i in inputs]})

    for op, name, attributes, inputs in layers:
        for source in inputs:
            if source not in index:
                add("null", source, {}, [])
        add(op, name, attributes, [index[source] for source in inputs])
    return parse_symbol(json.dumps({"nodes": nodes, "heads": [[len(nodes) - 1, 0, 0]]}), "net-symbol.json")


CONV = ("Convolution", "conv0", {"kernel": "(3, 3)", "num_filter": "4", "no_bias": "True"}, ["data", "conv0_weight"])
POOL = ("Pooling", "pool0", {"kernel": "(1, 1)", "global_pool": "True", "pool_type": "avg"}, ["conv0"])
# The released MobileFaceNet names the weight of its layer pre_fc1 this way; names come from the graph.
EMBEDDING = ("FullyConnected", "pre_fc1", {"num_hidden": "2", "no_bias": "True"}, ["pool0", "fc1_weight"])
GRAPH = network(CONV, POOL, EMBEDDING)


@pytest.fixture
def params(rng):
    shapes = {"arg:conv0_weight": (4, 3, 3, 3), "arg:fc1_weight": (2, 4), "arg:fc7_weight": (1000, 2)}
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Params(arrays, "net-0001.params")


def test_the_model_is_opset_13_with_a_dynamic_batch(params):
    model = convert(GRAPH, params, input_shape=(3, 8, 6))
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [item.version for item in model.opset_import]) == (8, [13])
    (data,), (output,) = model.graph.input, model.graph.output
    assert [dim.dim_param or dim.dim_value for dim in data.type.tensor_type.shape.dim] == ["batch", 3, 8, 6]
    assert [dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim] == ["batch", 2]
    assert (data.name, output.name) == ("data", "pre_fc1_output")


def test_only_what_is_needed_is_stored_and_not_as_an_input(params):
    model = convert(GRAPH, params, input_shape=(3, 8, 6))
    assert {item.name for item in model.graph.initializer} == {"conv0_weight", "fc1_weight"}
    assert [item.name for item in model.graph.input] == ["data"]


def test_several_outputs_in_the_order_asked_for(params):
    model = convert(GRAPH, params, outputs=["pre_fc1", "conv0_output"], input_shape=(3, None, None))
    assert [item.name for item in model.graph.output] == ["pre_fc1_output", "conv0_output"]
    height = model.graph.output[1].type.tensor_type.shape.dim[2]
    assert height.dim_param  # follows the image's height


def test_half_precision_parameters_become_float32(params):
    half = Params({name: array.astype(np.float16) for name, array in params.arrays.items()})
    model = convert(GRAPH, half, input_shape=(3, 8, 6))
    assert {item.data_type for item in model.graph.initializer} == {onnx.TensorProto.FLOAT}


def test_nodes_of_one_name_stay_apart(params):
    again = ("Activation", "conv0", {"act_type": "relu"}, ["conv0"])
    model = convert(network(CONV, again), params, input_shape=(3, 8, 6))
    names = [name for node in model.graph.node for name in node.output]
    assert len(set(names)) == len(names) == 2


def test_an_input_that_is_not_called_data(params):
    graph = network(("Convolution", "conv0", CONV[2], ["image", "conv0_weight"]))
    assert [item.name for item in convert(graph, params, input_shape=(3, 8, 6)).graph.input] == ["image"]


def test_missing_parameter(params):
    del params.arrays["arg:fc1_weight"]
    with pytest.raises(ModelError) as raised:
        convert(GRAPH, params, input_shape=(3, 8, 6))
    assert str(raised.value) == (
        "net-symbol.json: FullyConnected node 'pre_fc1': expected parameter 'fc1_weight' in net-0001.params, "
        "found none of that name"
    )


def test_another_colour(params):
    with pytest.raises(ModelError, match=r"'conv0'.*expected shape \(4, 1, 3, 3\) .*found \(4, 3, 3, 3\).*colour"):
        convert(GRAPH, params, input_shape=(1, 8, 6))


def test_another_image_size(params):
    flat = network(CONV, ("FullyConnected", "fc1", {"num_hidden": "2"}, ["conv0", "fc1_weight", "fc1_bias"]))
    with pytest.raises(ModelError, match=r"'fc1'.*expected shape \(2, 96\) .*found \(2, 4\); is the image size"):
        convert(flat, params, input_shape=(3, 8, 6))


def test_unknown_operator(params):
    graph = network(CONV, ("Pooling_v9", "pool0", {}, ["conv0"]))
    with pytest.raises(ModelError, match=r"Pooling_v9 node 'pool0': this operator is not supported .*Pooling_v1"):
        convert(graph, params, input_shape=(3, 8, 6))


def test_unknown_operators_after_the_output_do_no_harm(params):
    graph = network(CONV, ("Custom", "loss", {"op_type": "mine"}, ["conv0"]))
    assert convert(graph, params, outputs=["conv0"], input_shape=(3, 8, 6)).graph.output[0].name == "conv0_output"


def test_a_parameter_that_is_computed(params):
    graph = network(
        ("Flatten", "flat", {}, ["data"]),
        ("_mul_scalar", "scaled", {"scalar": "2"}, ["fc1_weight"]),
        ("FullyConnected", "fc1", {"num_hidden": "2", "no_bias": "1"}, ["flat", "scaled"]),
    )
    with pytest.raises(ModelError, match=r"input 1: expected a parameter, found the computed value 'scaled_output'"):
        convert(graph, params, input_shape=(3, 8, 6))


def test_an_output_that_an_operator_does_not_have(params):
    graph = parse_symbol(
        '{"nodes": [{"op": "null", "name": "data", "inputs": []}, {"op": "Flatten", "name": "a", "inputs": [[0, 0]]},'
        '{"op": "Flatten", "name": "b", "inputs": [[1, 2]]}], "heads": [[2, 0]]}'
    )
    with pytest.raises(ModelError, match=r"Flatten node 'a': expected an edge to one of 1 outputs, found 2"):
        convert(graph, params)


def test_a_graph_that_ends_in_its_input(params):
    graph = parse_symbol('{"nodes": [{"op": "null", "name": "data", "inputs": []}], "heads": [[0, 0]]}')
    with pytest.raises(ModelError, match=r"expected an operator as output, found a variable"):
        convert(graph, params)


@pytest.mark.parametrize("name", ["", "fc\udc80"])
@pytest.mark.parametrize("variable", [False, True])
def test_names_that_onnx_cannot_hold(params, name, variable):
    layer = ("Activation", "relu", {"act_type": "relu"}, [name]) if variable else ("Flatten", name, {}, ["data"])
    with pytest.raises(ModelError, match="expected a name of 1 or more characters that UTF-8 can hold"):
        convert(network(layer), params)


def test_a_graph_that_onnx_refuses(params, monkeypatch):
    def refuse(model):
        raise onnx.checker.ValidationError("no\nschema")

    monkeypatch.setattr(onnx.checker, "check_model", refuse)
    with pytest.raises(ModelError, match=r"net-symbol.json: .*found one it refuses: no schema$"):
        convert(GRAPH, params, input_shape=(3, 8, 6))
