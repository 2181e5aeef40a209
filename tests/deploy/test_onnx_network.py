import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from insightrec.deploy.onnx_network import CUDA, OnnxNetwork
from insightrec.recordio_tools.errors import InputError, ModelError


def model(op="Flatten", shape=("n", 3, 2, 2), kind=TensorProto.FLOAT, inputs=1, result=None, **attributes):
    """The bytes of a model of one operator."""
    names = [f"in{index}" for index in range(inputs)]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["emb"], **attributes), helper.make_node("Identity", ["emb"], ["copy"])],
        "net",
        [helper.make_tensor_value_info(name, kind, shape) for name in names],
        [helper.make_tensor_value_info(name, result or kind, None) for name in ("emb", "copy")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def test_embeds(rng):
    network = OnnxNetwork(model(), "net.onnx", threads=1)
    assert network.input_shape == (None, 3, 2, 2)
    batch = rng.standard_normal((5, 3, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(network(batch), batch.reshape(5, 12))
    np.testing.assert_array_equal(OnnxNetwork(model(), "net.onnx", output="copy")(batch), batch.reshape(5, 12))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not a model", "net.onnx: ONNX Runtime cannot load it"),
        (model()[:50], "net.onnx: ONNX Runtime cannot load it"),
        (model(shape=("n", 12)), r"expected one input, tensor\(float\) of \(B, C, H, W\), found in0 tensor\(float\)"),
        (model(kind=TensorProto.DOUBLE), r"expected one input.*found in0 tensor\(double\)"),
        (model("Add", inputs=2), "expected one input.*found in0 .*, in1"),
    ],
)
def test_what_is_not_a_network(data, message):
    with pytest.raises(ModelError, match=message) as raised:
        OnnxNetwork(data, "net.onnx")
    assert "\n" not in str(raised.value)


def test_no_such_output():
    with pytest.raises(ModelError, match=r"net.onnx: no output 'fc1'; it has: emb, copy"):
        OnnxNetwork(model(), "net.onnx", output="fc1")


def test_an_input_it_does_not_take():
    network = OnnxNetwork(model(), "net.onnx")
    with pytest.raises(ModelError, match=r"net.onnx: fails on an input of shape \(1, 3, 4, 4\): "):
        network(np.zeros((1, 3, 4, 4), np.float32))


def test_an_output_without_rows():
    network = OnnxNetwork(model("ReduceSum", keepdims=0), "net.onnx")
    with pytest.raises(ModelError, match=r"output 'emb': expected 2 rows of 1 or more numbers, found shape \(\)"):
        network(np.zeros((2, 3, 2, 2), np.float32))


def test_an_output_of_rows_without_numbers():
    network = OnnxNetwork(model(shape=("n", 0, 2, 2)), "net.onnx")
    with pytest.raises(ModelError, match=r"expected 2 rows of 1 or more numbers, found shape \(2, 0\)"):
        network(np.zeros((2, 0, 2, 2), np.float32))


def test_an_output_that_is_no_float_tensor():
    with pytest.raises(ModelError, match=r"output 'emb': expected one of tensor\(float\).*found tensor\(int64\)"):
        OnnxNetwork(model("ArgMax", result=TensorProto.INT64), "net.onnx")


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="ONNX Runtime has CUDA here")
def test_gpu_without_cuda():
    with pytest.raises(
        InputError, match=r"gpu 0: this ONNX Runtime has no CUDA; install onnxruntime-gpu, or use gpu -1"
    ):
        OnnxNetwork(model(), "net.onnx", gpu=0)


@pytest.mark.parametrize("name", [b"in0", b"emb", b"batch"])
def test_names_that_are_not_utf8_are_refused_in_silence(capfd, name):
    data = model(shape=("batch", 3, 2, 2)).replace(name, b"\xff" * len(name))
    with pytest.raises(ModelError, match=r"^net.onnx: ONNX Runtime cannot load it: "):
        OnnxNetwork(data, "net.onnx")
    assert capfd.readouterr().out == ""


def test_a_constant_of_more_numbers_than_memory_holds():
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [1 << 20, 1 << 30])
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", ["shape"], ["huge"]), helper.make_node("Size", ["huge"], ["emb"])],
        "net",
        [helper.make_tensor_value_info("in0", TensorProto.FLOAT, ("n", 3, 2, 2))],
        [helper.make_tensor_value_info("huge", TensorProto.FLOAT, None)],
        [shape],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match=r"^net.onnx: ") as raised:
        OnnxNetwork(data, "net.onnx")(np.zeros((1, 3, 2, 2), np.float32))
    assert "\n" not in str(raised.value)
