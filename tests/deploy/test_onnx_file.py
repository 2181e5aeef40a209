import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.onnx_file import read_onnx
from insightrec.recordio_tools.errors import ModelError


@pytest.fixture
def model():
    graph = helper.make_graph(
        [helper.make_node("Add", ["data", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ("n", 3, 2, 2))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 3, 2, 2))],
        [numpy_helper.from_array(np.ones((3, 1, 1), np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ModelError) as raised:
        read_onnx(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_model_is_read_as_it_is(model, tmp_path):
    onnx.save(model, str(tmp_path / "net.onnx"))
    assert read_onnx(tmp_path / "net.onnx") == model


def test_what_is_no_model(model, tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(ModelError, match=r"net.onnx: cannot be read \(No such file"):
        read_onnx(path)
    assert "expected an ONNX model" in refused(path, b"")
    assert "expected an ONNX model" in refused(path, b"\xff" * 100)
    assert "expected an ONNX model" in refused(path, model.SerializeToString()[:-30])
    model.graph.node[0].op_type = "NoSuchOperator"
    assert "NoSuchOperator" in refused(path, model.SerializeToString())


def test_weights_in_other_files_are_not_followed(model, tmp_path):
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../etc/passwd")
    message = refused(tmp_path / "net.onnx", model.SerializeToString())
    assert "expected all weights in the file, found 'w' elsewhere" in message


def test_a_file_that_is_too_large(model, tmp_path, monkeypatch):
    monkeypatch.setattr("insightrec.deploy.onnx_file.MAX_BYTES", 10)
    assert "expected at most 10 bytes, found" in refused(tmp_path / "net.onnx", model.SerializeToString())
