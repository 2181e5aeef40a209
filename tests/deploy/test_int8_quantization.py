"""8-bit weights: which layers get them, and that the model stays close to what it was."""

import logging

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.int8_quantization import quantize_int8
from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.recordio_tools.errors import ModelError


@pytest.fixture
def model(rng):
    """Conv 3 -> 4, a depthwise Conv, and a product to 6 numbers, on images of 5x5."""
    weights = {"w1": (4, 3, 3, 3), "w2": (4, 1, 3, 3), "w3": (4, 6)}
    nodes = [
        helper.make_node("Conv", ["data", "w1"], ["a"], name="dense"),
        helper.make_node("Conv", ["a", "w2"], ["b"], name="depthwise", group=4),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "w3"], ["fc1"], name="product"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ("n", 3, 5, 5))],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ("n", 6))],
        [numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name) for name, size in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_depthwise_stays_float_and_the_embedding_close(model, rng):
    quantized = quantize_int8(model, "net")
    types = {item.name: item.data_type for item in onnx.load_from_string(quantized).graph.initializer if item.dims}
    assert types["w2"] == TensorProto.FLOAT
    assert {types["w1_quantized"], types["w3_quantized"]} == {TensorProto.UINT8}
    assert "w1" not in types
    images = rng.uniform(0, 255, (20, 3, 5, 5)).astype(np.float32)
    before, after = (OnnxNetwork(data, "net")(images) for data in (model.SerializeToString(), quantized))
    difference = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < difference < 0.05  # a step of 8 bits is 1/255 of the range


def test_advice_of_the_quantizer_is_not_shown_and_logging_is_left_as_it_was(model, caplog):
    quantize_int8(model, "net")
    assert not caplog.records
    logging.getLogger("mine").warning("still here")
    assert [record.message for record in caplog.records] == ["still here"]


def test_what_cannot_be_quantized(model):
    del model.opset_import[:]
    with pytest.raises(ModelError, match="net: cannot be quantized") as raised:
        quantize_int8(model, "net")
    assert "\n" not in str(raised.value)
