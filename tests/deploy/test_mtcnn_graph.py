import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.mtcnn_graph import quicken

PROVIDERS = ["CPUExecutionProvider"]


def model_of(nodes, arrays, x):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in ("x", "y")]
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model, x):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=PROVIDERS).run(None, {"x": x})[0]


@pytest.mark.parametrize(
    ("shape", "slope_shape"), [((2, 6, 5, 4), (6, 1, 1)), ((3, 6), (6,)), ((1, 6, 3, 3), (1, 6, 1, 1))]
)
def test_prelu_of_any_slope(rng, shape, slope_shape):
    slope = np.array([-1.3, -0.01, 0, 0.25, 1, 1.3], np.float32).reshape(slope_shape)
    x = rng.standard_normal(shape).astype(np.float32)
    x.flat[0] = 0
    nodes = [helper.make_node("PRelu", ["x", "slope"], ["h"]), helper.make_node("PRelu", ["h", "slope"], ["y"])]
    model = model_of(nodes, {"slope": slope}, x)
    expected = run(model, x)
    assert quicken(model) is model
    onnx.checker.check_model(model)
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)


def test_softmax_is_left_out(rng):
    x = rng.standard_normal((3, 2)).astype(np.float32)
    model = model_of([helper.make_node("Softmax", ["x"], ["y"], axis=1)], {}, x)
    assert not np.array_equal(run(model, x), x)
    np.testing.assert_array_equal(run(quicken(model), x), x)


def test_a_slope_that_is_computed_is_left_alone(rng):
    x = rng.standard_normal((3, 2)).astype(np.float32)
    model = model_of([helper.make_node("Neg", ["x"], ["n"]), helper.make_node("PRelu", ["x", "n"], ["y"])], {}, x)
    expected = run(model, x)
    np.testing.assert_array_equal(run(quicken(model), x), expected)
