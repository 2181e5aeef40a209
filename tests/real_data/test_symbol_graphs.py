"""Every upstream network graph, with random weights: the converted model equals MXNet's own forward pass.

Weights are He-scaled and every BatchNorm holds the statistics of the values that really enter it, as in a
trained network; anything else lets activations explode with depth, and rounding with them.
"""

import cv2
import numpy as np
import onnxruntime
import pytest

from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import Params
from insightrec.deploy.symbol_graph import read_symbol

GRAPHS = (
    *("r18", "r34", "r50", "r100", "r50-se", "r50-unit1", "r50-unit2", "r50-input0", "r50-input2"),
    *(f"r50-head{head}" for head in ("A", "B", "C", "D", "F", "G", "H", "I", "J", "Z", "GAP", "GDC", "GNAP")),
    *("y1", "y1-april2018", "m1", "m2", "i2", "d121", "p68", "s20", "s64"),
)
WITHOUT_FC1 = {"r50-headA": "flatten0_output", "r50-headB": "pre_fc1_output", "r50-headZ": "dropout0_output"}
INPUT = (2, 3, 112, 112)
TOLERANCE = 5e-6  # of the largest absolute output


@pytest.fixture(params=GRAPHS)
def graph_file(request, data):
    return data / "symbols" / f"{request.param}-symbol.json"


def test_every_graph_is_listed(data):
    found = {path.name[: -len("-symbol.json")] for path in (data / "symbols").glob("*.json")}
    assert found == set(GRAPHS)


def test_embedding_output(graph_file):
    graph = read_symbol(graph_file)
    name = graph_file.name[: -len("-symbol.json")]
    assert graph.name_of(graph.embedding_output()) == WITHOUT_FC1.get(name, "fc1_output")


@pytest.mark.mxnet
def test_names_are_mxnets(mx, graph_file):
    graph, symbol = read_symbol(graph_file), mx.sym.load(str(graph_file))
    internals = [name for name in symbol.get_internals().list_outputs() if name not in symbol.list_inputs()]
    assert graph.argument_names == symbol.list_arguments()
    assert graph.auxiliary_names == symbol.list_auxiliary_states()
    assert graph.output_names == internals
    assert [graph.name_of(head) for head in graph.heads] == symbol.list_outputs()


@pytest.mark.mxnet
def test_converted_equals_mxnet(mx, graph_file):
    graph = read_symbol(graph_file)
    symbol = mx.sym.load(str(graph_file)).get_internals()[graph.name_of(graph.embedding_output())]
    images = blotches()
    arrays = random_weights(mx, symbol)
    set_statistics(mx, symbol, arrays, images)

    expected = forward(mx, symbol, arrays, images)[0]
    model = convert(graph, Params(arrays)).SerializeToString()
    (found,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"data": images})

    assert np.ptp(expected, axis=0).max() > 1e-2 * np.abs(expected).max()  # the images make a difference
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()


def blotches():
    """Images with structure: on white noise, all images look the same to a deep network."""
    rng = np.random.default_rng(0)
    images = [cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), INPUT[2:]) for _ in range(INPUT[0])]
    return np.stack(images).transpose(0, 3, 1, 2).astype(np.float32)


def random_weights(mx, symbol):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(1_000_003, np.float32)  # repeated, as drawing every weight takes longest of all
    arguments, _, states = symbol.infer_shape(data=INPUT)
    arrays = {}
    for name, shape in zip(symbol.list_arguments(), arguments):
        if name == "data":
            continue
        if len(shape) > 1:
            values = np.resize(noise * np.float32(np.sqrt(2 / np.prod(shape[1:]))), shape)
        elif name.endswith("gamma"):
            # The slopes of PReLU are called gamma too.
            values = rng.uniform(0.1, 0.4, shape) if "relu" in name else rng.uniform(0.8, 1.2, shape)
        else:
            values = rng.normal(0, 0.1, shape)
        arrays[f"arg:{name}"] = values.astype(np.float32, copy=False)
    for name, shape in zip(symbol.list_auxiliary_states(), states):
        arrays[f"aux:{name}"] = np.full(shape, 1 if name.endswith("var") else 0, np.float32)
    return arrays


def set_statistics(mx, symbol, arrays, images):
    """Fill every BatchNorm's moving mean and variance from one training-mode forward pass."""
    internals = symbol.get_internals()
    entering = {}  # moving mean, moving variance -> name of the BatchNorm's input
    for node in internals:
        inputs = node.get_children()
        names = [] if inputs is None else inputs.list_outputs()
        if len(names) == 5 and names[3].endswith("_mean"):
            entering[tuple(names[3:])] = names[0]
    if not entering:
        return
    outputs = mx.sym.Group([internals[name] for name in entering.values()])
    for (mean, var), values in zip(entering, forward(mx, outputs, arrays, images, is_train=True)):
        axes = (0, *range(2, values.ndim))
        spread = values.var(axes)
        arrays[f"aux:{mean}"] = values.mean(axes)
        arrays[f"aux:{var}"] = spread + 0.3 * spread.mean()  # of two images alone, some are nearly 0


def forward(mx, symbol, arrays, images, is_train=False):
    params = Params(arrays)
    arguments, states = ({name: mx.nd.array(a) for name, a in part.items()} for part in (params.arg, params.aux))
    arguments["data"] = mx.nd.array(images)
    executor = symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req="null")
    return [output.asnumpy() for output in executor.forward(is_train=is_train)]
