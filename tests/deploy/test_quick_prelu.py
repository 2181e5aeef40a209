"""PReLU rewritten gives the same numbers; what cannot be rewritten safely is left alone."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.deploy.quick_prelu import rewrite_prelu, with_quick_prelu

SLOPES = np.array([-1.3, -0.01, 0, 0.25, 1, 1.3], np.float32).reshape(6, 1, 1)
EXTREMES = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-42, -1e-42, 3e38, -3e38, 0.7, -0.7], np.float32)
PRELU = helper.make_node("PRelu", ["h", "slope"], ["y"])


def model_of(*nodes, shape=("n", 6, "h", "w"), opset=13, **weights):
    """A model of ``x`` to ``y``; ``weights`` are its initializers."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def convolved(*nodes, slope=SLOPES, **weights):
    """``x`` through a convolution that changes nothing, to ``h``, and ``nodes``."""
    convolution = helper.make_node("Conv", ["x", "ones"], ["h"], group=6)
    return model_of(convolution, *nodes, ones=np.ones((6, 1, 1, 1), np.float32), slope=slope, **weights)


def run(model, x):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("slope_shape", [(6, 1, 1), (1, 6, 1, 1)])
@pytest.mark.parametrize("opset", [9, 13])
def test_every_number_is_the_same(rng, slope_shape, opset):
    x = rng.standard_normal((2, 6, 5, 11)).astype(np.float32)
    x[0, :, 2] = EXTREMES
    model = convolved(PRELU, slope=SLOPES.reshape(slope_shape))
    model.opset_import[0].version = opset
    expected = run(model, x)
    assert rewrite_prelu(model) == 1
    onnx.checker.check_model(model)
    assert "PRelu" not in operators(model)
    np.testing.assert_array_equal(run(model, x), expected)


def test_after_normalisations_sums_and_each_other(rng):
    """The order of InsightFace's networks, where a layer's input is a convolution's output at some remove."""
    statistics = {name: rng.uniform(0.5, 1.5, 6).astype(np.float32) for name in ("gamma", "beta", "mean", "var")}
    model = convolved(
        helper.make_node("BatchNormalization", ["h", *statistics], ["normal"]),
        helper.make_node("PRelu", ["normal", "slope"], ["first"]),
        helper.make_node("Add", ["first", "h"], ["sum"]),
        helper.make_node("PRelu", ["sum", "slope"], ["y"]),
        **statistics,
    )
    x = rng.standard_normal((2, 6, 5, 4)).astype(np.float32)
    expected = run(model, x)
    assert rewrite_prelu(model) == 2
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)


def listing_initializers(model):
    """The model in an IR version of before 4, where initializers are inputs too."""
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return model


def test_models_that_list_their_weights_as_inputs(rng):
    model = listing_initializers(convolved(PRELU))
    onnx.checker.check_model(model)
    x = rng.standard_normal((2, 6, 3, 4)).astype(np.float32)
    expected = run(model, x)
    assert rewrite_prelu(model) == 1
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.input] == ["x", "ones"]
    np.testing.assert_array_equal(run(model, x), expected)


def test_slopes_that_nothing_uses_are_dropped():
    second = helper.make_node("PRelu", ["first", "slope"], ["y"])
    model = convolved(helper.make_node("PRelu", ["h", "slope"], ["first"]), second)
    assert rewrite_prelu(model) == 2
    assert [tensor.name for tensor in model.graph.initializer] == ["ones"]


def branching(condition):
    """A node whose branches take ``slope`` from the graph around them."""
    value = helper.make_tensor_value_info("branch", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Identity", ["slope"], ["branch"])], "branch", [], [value])
    return helper.make_node("If", [condition], ["chosen"], then_branch=branch, else_branch=branch)


@pytest.mark.parametrize(
    ("user", "sum_of"),
    [
        (helper.make_node("Neg", ["slope"], ["negative"]), "negative"),
        (branching("yes"), "chosen"),
    ],
)
def test_slopes_that_something_uses_are_kept(rng, user, sum_of):
    model = convolved(
        helper.make_node("PRelu", ["h", "slope"], ["first"]),
        user,
        helper.make_node("Add", ["first", sum_of], ["y"]),
        yes=np.array(True),
    )
    x = rng.standard_normal((2, 6, 3, 4)).astype(np.float32)
    expected = run(model, x)
    assert rewrite_prelu(model) == 1
    assert "slope" in {tensor.name for tensor in model.graph.initializer}
    np.testing.assert_array_equal(run(model, x), expected)


def test_slopes_that_are_an_output_are_kept(rng):
    model = convolved(PRELU)
    model.graph.output.append(helper.make_tensor_value_info("slope", TensorProto.FLOAT, SLOPES.shape))
    assert rewrite_prelu(model) == 1
    run(model, rng.standard_normal((2, 6, 3, 4)).astype(np.float32))


@pytest.mark.parametrize(
    ("model", "size"),
    [
        (convolved(PRELU, slope=np.full((1, 1, 1), 0.25, np.float32)), (2, 6, 3, 3)),  # one slope for all
        (convolved(PRELU, slope=np.full((6, 3, 3), 0.25, np.float32)), (2, 6, 3, 3)),  # one for each number
        (convolved(PRELU, slope=np.full((6,), 0.25, np.float32)), (2, 6, 3, 6)),  # one for each column
        (model_of(helper.make_node("PRelu", ["x", "slope"], ["y"]), slope=SLOPES), (2, 6, 3, 3)),
        (convolved(PRELU, slope=np.full((6, 1, 1), np.inf, np.float32)), (2, 6, 3, 3)),
        (convolved(PRELU, slope=np.array([0.1, np.nan, 0, 0, 0, 1], np.float32).reshape(6, 1, 1)), (2, 6, 3, 3)),
        *(
            (
                convolved(
                    helper.make_node("Conv", ["x", "row"], ["one"]),
                    helper.make_node("Add", terms, ["sum"]),
                    helper.make_node("PRelu", ["sum", "slope"], ["y"]),
                    slope=np.full((channels, 1, 1), 0.25, np.float32),
                    row=np.ones((1, 6, 1, 1), np.float32),
                ),
                (2, 6, 3, 3),
            )
            for terms, channels in ((["h", "one"], 6), (["one", "h"], 6), (["h", "one"], 1), (["one", "h"], 1))
        ),
        (model_of(helper.make_node("Neg", ["x"], ["h"]), PRELU, shape=(2, 6), slope=SLOPES.ravel()), (2, 6)),
        (
            convolved(
                helper.make_node("Neg", ["slope"], ["computed"]), helper.make_node("PRelu", ["h", "computed"], ["y"])
            ),
            (2, 6, 3, 3),
        ),
        (
            model_of(
                helper.make_node("Conv", ["x", "ones"], ["h"], group=6),
                PRELU,
                shape=("n", 6, "w"),
                ones=np.ones((6, 1, 1), np.float32),
                slope=SLOPES.reshape(6, 1),
            ),
            (2, 6, 5),
        ),
    ],
)
def test_other_forms_are_left_alone(rng, model, size):
    x = rng.standard_normal(size).astype(np.float32)
    before = model.SerializeToString()
    expected = run(model, x)
    assert with_quick_prelu(before) is before
    assert rewrite_prelu(model) == 0
    np.testing.assert_array_equal(run(model, x), expected)


def test_bytes_and_paths(tmp_path):
    data = convolved(PRELU).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(data)
    rewritten = with_quick_prelu(data)
    assert "PRelu" not in operators(onnx.load_from_string(rewritten))
    assert with_quick_prelu(str(tmp_path / "net.onnx")) == rewritten


@pytest.mark.parametrize("data", [b"", b"PRelu", b"not a model with PRelu in it"])
def test_what_is_no_model_comes_back(data, tmp_path):
    assert with_quick_prelu(data) is data
    path = tmp_path / "net.onnx"
    assert with_quick_prelu(str(path)) == str(path)
    path.write_bytes(data)
    assert with_quick_prelu(str(path)) == str(path)


def test_a_malformed_model_comes_back():
    model = convolved(PRELU)
    for change in (
        lambda graph: graph.initializer[1].ClearField("raw_data"),  # the slopes
        lambda graph: graph.node[0].input.pop(),
        lambda graph: graph.node[1].input.pop(),
        lambda graph: graph.node[1].output.pop(),
    ):
        broken = onnx.ModelProto()
        broken.CopyFrom(model)
        change(broken.graph)
        data = broken.SerializeToString()
        assert with_quick_prelu(data) is data


def test_weights_in_another_file_are_still_found(tmp_path, rng):
    path, x = tmp_path / "net.onnx", rng.standard_normal((2, 6, 3, 3)).astype(np.float32)
    model = convolved(PRELU)
    expected = run(model, x)
    onnx.save(model, str(path), save_as_external_data=True, size_threshold=0, location="weights")
    assert with_quick_prelu(str(path)) == str(path)
    np.testing.assert_array_equal(OnnxNetwork(str(path), "net")(x), expected.reshape(2, -1))
