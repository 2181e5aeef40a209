"""Each thing that can be wrong with weights, planted one at a time."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.model_checks import check_mxnet, check_onnx
from insightrec.deploy.params_file import Params
from insightrec.deploy.symbol_graph import SymbolGraph
from insightrec.deploy.symbol_node import Entry, Node
from insightrec.recordio_tools.errors import ModelError

PARTS = ("gamma", "beta", "moving_mean", "moving_var")


def graph(**attributes):
    variables = [Node("null", name) for name in ("data", *(f"fc1_{part}" for part in PARTS))]
    edges = tuple(Entry(index, 0) for index in range(5))
    return SymbolGraph((*variables, Node("BatchNorm", "fc1", attributes, edges)), (Entry(5, 0),))


def params(**changes):
    names = {part: f"{'aux' if 'moving' in part else 'arg'}:fc1_{part}" for part in PARTS}
    arrays = {name: np.full(4, changes.get(part, 1.0), np.float32) for part, name in names.items()}
    return Params({**arrays, **changes.get("more", {})})


def test_nothing_wrong():
    assert check_mxnet(graph(), params()) == ([], [])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"beta": np.nan}, "NaN or infinite: 1 (arg:fc1_beta)"),
        ({"moving_mean": -np.inf}, "NaN or infinite: 1 (aux:fc1_moving_mean)"),
        ({"moving_var": -1e-3}, "negative variance: 1 (aux:fc1_moving_var)"),
    ],
)
def test_numbers(change, problem):
    assert check_mxnet(graph(), params(**change)) == ([problem], [])


def test_missing():
    found = params()
    del found.arrays["aux:fc1_moving_var"]
    assert check_mxnet(graph(), found).problems == ["missing: 1 (aux:fc1_moving_var)"]


def test_unused_ones_are_not_looked_into():
    more = {f"arg:fc{number}_weight": np.full((2, 3), np.nan, np.float32) for number in range(7, 14)}
    problems, notes = check_mxnet(graph(), params(more=more))
    assert problems == []
    assert notes == [
        "not needed for the embedding, 168 bytes (model_slim drops them): 7 (arg:fc7_weight, arg:fc8_weight, "
        "arg:fc9_weight, arg:fc10_weight, arg:fc11_weight and 2 more)"
    ]


def test_a_gamma_that_mxnet_ignores():
    note = "fix_gamma: MXNet takes 1 whatever the file holds, which is not 1: 1 (fc1_gamma)"
    assert check_mxnet(graph(), params(gamma=0.5)).notes == [note]  # fix_gamma is MXNet's default
    assert check_mxnet(graph(fix_gamma="True"), params(gamma=0.5)).notes == [note]
    assert check_mxnet(graph(fix_gamma="False"), params(gamma=0.5)).notes == []


def test_other_types():
    found = params()
    found.arrays["arg:fc1_beta"] = np.ones(4, np.float16)
    assert check_mxnet(graph(), found).notes == ["stored as float16: 1 array"]


def detector(names, heads):
    """Convolutions ``names`` of the image, each of one weight; ``heads`` of them are the outputs."""
    nodes = [Node("null", "data")]
    for name in names:
        edges = (Entry(0, 0), Entry(len(nodes), 0))
        nodes += [Node("null", f"{name}_weight"), Node("Convolution", name, {}, edges)]
    weights = Params({f"arg:{name}_weight": np.ones((4, 3, 1, 1), np.float32) for name in names})
    return SymbolGraph(tuple(nodes), tuple(Entry(2 + 2 * names.index(name), 0) for name in heads)), weights


def test_no_embedding_among_several_outputs():
    problem = (
        "box_output is taken for the embedding, though not called fc1_output; is it one? --output-layer names another; "
        "outputs: 2 (box_output, logit_output)"
    )
    note = "not needed for the embedding, 48 bytes (for other outputs): 1 (arg:logit_weight)"
    model = detector(["box", "logit"], ["box", "logit"])
    assert check_mxnet(*model) == ([problem], [note])
    assert check_mxnet(*model, output="box") == ([], [note])


def test_the_only_output_is_taken_and_said():
    model = detector(["box"], ["box"])
    assert check_mxnet(*model) == ([], ["no output is called fc1_output: box_output is taken for the embedding"])
    assert check_mxnet(*model, output="box_output") == ([], [])


def test_fc1_output_is_known_among_others():
    note = "not needed for the embedding, 48 bytes (for other outputs): 1 (arg:age_weight)"
    assert check_mxnet(*detector(["age", "fc1"], ["age", "fc1"])) == ([], [note])


def test_only_what_lies_behind_the_embedding_is_for_model_slim():
    """flat -> fc7, the embedding's classifier with a weight that is normalised first; and a branch beside them."""
    variables = [Node("null", name) for name in ("data", "flat_weight", "fc7_weight", "age_weight")]
    graph = SymbolGraph(
        (
            *variables,
            Node("Convolution", "flat", {}, (Entry(0, 0), Entry(1, 0))),
            Node("L2Normalization", "normalized", {}, (Entry(2, 0),)),
            Node("FullyConnected", "fc7", {}, (Entry(4, 0), Entry(5, 0))),
            Node("Convolution", "age", {}, (Entry(0, 0), Entry(3, 0))),
        ),
        (Entry(6, 0), Entry(7, 0)),
    )
    weights = Params({f"arg:{node.name}": np.ones(2, np.float32) for node in variables[1:]})
    assert check_mxnet(graph, weights) == (
        [],
        [
            "not needed for the embedding, 8 bytes (model_slim drops them): 1 (arg:fc7_weight)",
            "not needed for the embedding, 8 bytes (for other outputs): 1 (arg:age_weight)",
        ],
    )


def onnx_model(changes=None, listed=()):
    """BatchNormalization of the image, with its weights; ``changes`` replace or add weights."""
    weights = {**{part: np.ones(3, np.float32) for part in PARTS}, **(changes or {})}
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, ("n", 3, 2, 2))]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, (3,)) for name in listed]
    graph = helper.make_graph(
        [helper.make_node("BatchNormalization", ["data", *PARTS], ["y"])],
        "net",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 3, 2, 2))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.mark.parametrize(
    ("changes", "listed", "expected"),
    [
        ({}, (), ([], [])),
        ({"beta": np.array([1, np.nan, 1], np.float32)}, (), (["NaN or infinite: 1 (beta)"], [])),
        ({"moving_var": np.array([1, -1, 1], np.float32)}, (), (["negative variance: 1 (moving_var)"], [])),
        ({"spare": np.ones(2, np.float32)}, (), ([], ["not used: 1 (spare)"])),
        (
            {},
            ("beta",),
            ([], ["weights listed as inputs, which keeps runtimes from folding them: 1 (beta)"]),
        ),
        ({"beta": np.full(3, np.inf, np.float16)}, (), (["NaN or infinite: 1 (beta)"], ["stored as float16: 1 array"])),
        ({"beta": np.ones(3, np.uint8), "gamma": np.ones(3, np.uint8)}, (), ([], ["stored as uint8: 2 arrays"])),
    ],
)
def test_onnx(changes, listed, expected):
    assert check_onnx(onnx_model(changes, listed)) == expected


def test_weights_that_do_not_fill_their_shape():
    model = onnx_model()
    model.graph.initializer[0].raw_data = b"1234"
    with pytest.raises(ModelError, match="weight 'gamma': its bytes do not fill shape"):
        check_onnx(model)


def test_a_type_that_onnx_does_not_know():
    model = onnx_model()
    model.graph.initializer[0].data_type = 77
    assert check_onnx(model).notes == ["stored as type 77, which ONNX does not know: 1 array"]


def test_an_onnx_model_of_several_outputs():
    model = onnx_model()
    model.graph.output.append(helper.make_tensor_value_info("gamma", TensorProto.FLOAT, (3,)))
    problem = (
        "y is taken for the embedding, though not called fc1_output; is it one? --output-layer names another; outputs: "
        "2 (y, gamma)"
    )
    assert check_onnx(model).problems == [problem]
    assert check_onnx(model, output="gamma").problems == []
    model.graph.output[0].name = "fc1_output"
    assert check_onnx(model).problems == []
