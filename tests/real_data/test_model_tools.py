"""The model tools on released models and upstream's graphs."""

import math

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.graph_cost import infer_for_one_image, layer_costs
from insightrec.deploy.int8_quantization import quantize_int8
from insightrec.deploy.model_files import find_model
from insightrec.deploy.model_info import describe
from insightrec.deploy.model_slim import main as model_slim
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.deploy.params_file import Params, read_params, write_params
from insightrec.deploy.symbol_graph import parse_symbol, read_symbol
from insightrec.deploy.symbol_writer import format_symbol
from insightrec.recordio_tools.image_codec import decode_rgb

Y1 = "models/mobilefacenet_y1/model"


@pytest.fixture(scope="module")
def faces(data):
    """uint8 (8, 112, 112, 3): aligned faces of eight persons."""
    paths = sorted((data / "records" / "lfw60" / "aligned").rglob("*.jpg"))[::90]
    return np.stack([decode_rgb(path.read_bytes(), path.name) for path in paths])


@pytest.fixture
def checkpoint(data, tmp_path):
    """The released model as a training checkpoint has it: with a classifier in its parameters."""
    arrays = {"arg:fc7_weight": np.ones((50, 128), np.float32), **read_params(data / f"{Y1}-0000.params").arrays}
    write_params(tmp_path / "model-0042.params", arrays)
    (tmp_path / "model-symbol.json").write_bytes((data / f"{Y1}-symbol.json").read_bytes())
    return f"{tmp_path / 'model'},42"


def test_a_slim_model_gives_the_same_embeddings_bit_for_bit(checkpoint, tmp_path, data, faces):
    model_slim(["--model", checkpoint])
    slimmed = Embedder(f"{tmp_path / 'models'},0", threads=1).embed(faces)
    assert slimmed.tobytes() == Embedder(f"{data / Y1},0", threads=1).embed(faces).tobytes()
    assert (tmp_path / "models-0000.params").read_bytes() == (data / f"{Y1}-0000.params").read_bytes()


@pytest.mark.mxnet
def test_mxnet_gives_the_same_embeddings_of_it(checkpoint, tmp_path, data, faces, mx):
    model_slim(["--model", checkpoint])
    found, expected = (
        Embedder(model, backend="mxnet").embed(faces) for model in (f"{tmp_path / 'models'},0", f"{data / Y1},0")
    )
    np.testing.assert_array_equal(found, expected)


def test_every_graph_is_written_as_it_was_read(data):
    paths = [*(data / "symbols").glob("*.json"), *data.glob("models/*/*.json"), *data.glob("mtcnn/*-symbol.json")]
    assert len(paths) > 30
    for path in paths:
        graph = read_symbol(path)
        assert parse_symbol(format_symbol(graph), str(path)) == graph


@pytest.mark.mxnet
@pytest.mark.parametrize("name", ["symbols/r100", "symbols/d121", Y1, "mtcnn/det1", "mtcnn/det4"])
def test_mxnet_reads_every_graph_as_written(data, name, mx):
    path = data / f"{name}-symbol.json"
    before, after = mx.sym.load(str(path)), mx.sym.load_json(format_symbol(read_symbol(path)).decode())
    assert after.list_arguments() == before.list_arguments()
    assert after.list_auxiliary_states() == before.list_auxiliary_states()
    assert after.get_internals().list_outputs() == before.get_internals().list_outputs()
    assert after.attr_dict() == before.attr_dict()


def test_mobilefacenet_costs_what_its_paper_says(data):
    report = describe(find_model(f"{data / Y1},0"))
    assert report["multiply_adds"] == pytest.approx(221e6, rel=0.002)  # Chen et al. 2018: 221 million
    assert report["parameters"] == sum(array.size for array in read_params(data / f"{Y1}-0000.params").arrays.values())
    first = next(layer for layer in report["layers"] if layer["name"] == "conv_1_conv2d")
    assert first["multiply_adds"] == 56 * 56 * 64 * 27
    assert (report["output"], report["embedding_size"], report["problems"]) == ("fc1_output", 128, [])


@pytest.mark.parametrize(("name", "giga"), [("r50", 6.3), ("r100", 12.1)])
def test_resnets_cost_what_is_published(data, name, giga):
    graph = read_symbol(data / "symbols" / f"{name}-symbol.json")
    model = convert(graph, Params(shapes_only(graph)))
    assert sum(layer.multiply_adds for layer in layer_costs(infer_for_one_image(model))) / 1e9 == pytest.approx(
        giga, abs=0.1
    )


def shapes_only(graph):
    """Weights of a plain ResNet, all views of one zero, from the shapes that its layers ask for."""
    channels, sizes, arrays = {0: 3}, {0: 112}, {}

    def zeros(index, shape):
        arrays[f"arg:{graph.nodes[index].name}"] = np.broadcast_to(np.float32(0), shape)

    for index, node in enumerate(graph.nodes):
        inputs = [entry.node for entry in node.inputs]
        if node.is_variable:
            continue
        channels[index], sizes[index] = channels[inputs[0]], sizes[inputs[0]]
        if node.op == "Convolution":
            (kernel, _), filters = node.shape("kernel", None), node.integer("num_filter", 0)
            zeros(inputs[1], (filters, channels[index], kernel, kernel))
            (stride, _), (pad, _) = node.shape("stride", (1, 1)), node.shape("pad", (0, 0))
            channels[index], sizes[index] = filters, (sizes[index] + 2 * pad - kernel) // stride + 1
        elif node.op == "FullyConnected":
            hidden = node.integer("num_hidden", 0)
            zeros(inputs[1], (hidden, math.prod((channels[index], sizes[index], sizes[index]))))
            zeros(inputs[2], (hidden,))
            channels[index], sizes[index] = hidden, 1
        else:
            for parameter in inputs[1:]:
                if graph.nodes[parameter].is_variable:
                    zeros(parameter, (channels[index],))
    return arrays


def test_int8_stays_close_on_photographs(data, faces):
    model = convert(read_symbol(data / f"{Y1}-symbol.json"), read_params(data / f"{Y1}-0000.params"))
    batch = faces.transpose(0, 3, 1, 2).astype(np.float32)
    quantized = quantize_int8(model, "y1")
    before, after = (
        np.concatenate([OnnxNetwork(one, "y1", threads=1)(batch[i : i + 1]) for i in range(len(batch))])
        for one in (model.SerializeToString(), quantized)
    )
    cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    assert 0.995 < cosine.min() < 0.9999
    assert len(quantized) < 0.4 * model.ByteSize()
