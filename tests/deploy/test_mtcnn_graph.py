import numpy as np
import onnxruntime
from onnx import TensorProto, helper

from insightrec.deploy.mtcnn_graph import without_softmax


def test_softmax_is_left_out_and_nothing_else(rng):
    x = rng.standard_normal((3, 2)).astype(np.float32)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in ("x", "y")]
    nodes = [helper.make_node("Neg", ["x"], ["n"]), helper.make_node("Softmax", ["n"], ["y"], axis=1)]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert without_softmax(model) is model
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(["y"], {"x": x})[0], -x)
