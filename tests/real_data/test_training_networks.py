"""Our networks against upstream's symbol graphs: the same nodes, names, shapes and outputs; and the released y1."""

import json

import cv2
import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.params_file import read_params, write_params
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

pytestmark = pytest.mark.mxnet

GRAPHS = {  # name of the graph -> name of the network, its options
    **{name: (name, NetworkOptions()) for name in ("r18", "r34", "r50", "r100")},
    "r50-se": ("r50", NetworkOptions(version_se=1)),
    "r50-unit1": ("r50", NetworkOptions(version_unit=1)),
    "r50-unit2": ("r50", NetworkOptions(version_unit=2)),
    "r50-input0": ("r50", NetworkOptions(version_input=0)),
    "r50-input2": ("r50", NetworkOptions(version_input=2)),
    **{
        f"r50-head{head}": ("r50", NetworkOptions(version_output=head))
        for head in ("A", "B", "C", "D", "F", "G", "H", "I", "J", "Z", "GAP", "GDC", "GNAP")
    },
    "y1": ("y1", NetworkOptions(embedding_size=128)),
    "y1-april2018": ("y1", NetworkOptions(embedding_size=128, version_output=None)),
    **{name: (name, NetworkOptions()) for name in ("m1", "m2", "i2", "d121", "p68", "s20", "s64")},
}
IMAGE = (112, 112)
Y1 = "models/mobilefacenet_y1/model"

# An attribute that is not written down has the operator's default.
DEFAULTS = {
    "stride": "(1, 1)",
    "pad": "(0, 0)",
    "dilate": "(1, 1)",
    "num_group": "1",
    "no_bias": "False",
    "flatten": "True",
    "global_pool": "False",
    "pooling_convention": "valid",
    "count_include_pad": "True",
    "fix_gamma": "True",
    "use_global_stats": "False",
    "eps": "0.001",
    "momentum": "0.9",
    "axis": "1",
    "dim": "1",
    "layout": "NCHW",
}
# Speed and memory, and the end of a slice, which may be left open.
NOT_COMPARED = {"workspace", "cudnn_off", "cudnn_tune", "end"}


@pytest.fixture(scope="module", params=GRAPHS)
def graph(request, mx, data):
    """Name of the graph, its symbol, our network."""
    symbol = mx.sym.load(str(data / "symbols" / f"{request.param}-symbol.json"))
    return request.param, symbol, build_network(*GRAPHS[request.param])


def test_every_graph_is_listed(data):
    assert {path.name[: -len("-symbol.json")] for path in (data / "symbols").glob("*.json")} == set(GRAPHS)


def test_same_nodes_names_and_shapes(graph):
    _, expected, network = graph
    found = network.symbol()
    assert found.list_arguments() == expected.list_arguments()
    assert found.list_auxiliary_states() == expected.list_auxiliary_states()
    assert found.infer_shape(data=(1, 3, *IMAGE)) == expected.infer_shape(data=(1, 3, *IMAGE))
    assert nodes(found) == nodes(expected)


def test_same_initialization_and_rates(graph):
    _, expected, network = graph
    attributes = expected.attr_dict()
    for name, parameter in network.collect_params().items():
        asked = attributes.get(name, {})
        assert parameter.lr_mult == float(asked.get("__lr_mult__", 1)), name
        assert parameter.wd_mult == float(asked.get("__wd_mult__", 1)), name
        if "Constant" in asked.get("__init__", "") or "normal" in asked.get("__init__", ""):
            assert parameter.init.dumps().lower() == asked["__init__"].lower(), name


def test_same_outputs(mx, graph):
    _, symbol, network = graph
    image = blotches()
    network.initializer = mx.init.Zero()  # soon overwritten; noise would take long
    shape = symbol.infer_shape(data=image.shape)[1][0]
    assert network.set_up(IMAGE, [mx.cpu()]) == np.prod(shape[1:])  # head Z ends in a map
    parameters = network.collect_params()
    arrays = random_weights({name: parameter.shape for name, parameter in parameters.items()})
    for key, array in arrays.items():
        parameters[key].set_data(mx.nd.array(array))
    found = network(mx.nd.array(image)).asnumpy()

    arguments, states = (
        {key: mx.nd.array(arrays.get(key, image)) for key in keys}
        for keys in (symbol.list_arguments(), symbol.list_auxiliary_states())
    )
    expected = symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req="null").forward()[0].asnumpy()
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0.1 * np.abs(expected).max()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_released_y1_is_network_y1(mx, data, tmp_path):
    released = read_params(data / f"{Y1}-0000.params")
    network = build_network("y1", NetworkOptions(embedding_size=128, version_output=None))
    network.set_up(IMAGE, [mx.cpu()])
    parameters = network.collect_params()
    arrays = {**released.arg, **released.aux}
    assert set(parameters) == set(arrays)
    assert parameters["fc1_weight"].shape == (128, 512)
    for name, parameter in parameters.items():
        assert parameter.shape == arrays[name].shape, name
        parameter.set_data(mx.nd.array(arrays[name]))

    paths = sorted((data / "records" / "lfw60" / "aligned").rglob("*.jpg"))[::40]
    faces = np.stack([decode_rgb(path.read_bytes(), path.name) for path in paths])
    found = network(mx.nd.array(faces.transpose(0, 3, 1, 2))).asnumpy()
    expected = Embedder(f"{data / Y1},0").embed(faces)
    assert np.abs(unit(found) - unit(expected)).max() < 1e-5

    (tmp_path / "ours-symbol.json").write_text(network.symbol().tojson())
    states = network.symbol().list_auxiliary_states()
    named = {f"{'aux' if name in states else 'arg'}:{name}": p.data().asnumpy() for name, p in parameters.items()}
    write_params(tmp_path / "ours-0000.params", named)
    converted = Embedder(f"{tmp_path / 'ours'},0").embed(faces)
    assert np.abs(unit(converted) - unit(expected)).max() < 1e-5


def nodes(symbol):
    """Per node: operator, name, inputs, and the attributes that change the result and are not the default."""
    listed = json.loads(symbol.tojson())["nodes"]
    return [
        (
            node["op"],
            node["name"],
            [(listed[index]["name"], output) for index, output, *_ in node["inputs"]],
            {} if node["op"] == "null" else attributes(node),
        )
        for node in listed
    ]


def attributes(node):
    written = {key: value for key, value in node.get("attrs", {}).items() if key not in NOT_COMPARED}
    return {key: number(value) for key, value in written.items() if number(value) != number(DEFAULTS.get(key, ""))}


def number(text):
    """Numbers are written in several ways: 2e-5 and 2e-05."""
    try:
        return float(text)
    except ValueError:
        return text


def blotches():
    """float32 (1, 3, 112, 112): an image with structure."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.resize(pixels, IMAGE).transpose(2, 0, 1)[None].astype(np.float32)


def random_weights(shapes):
    """He-scaled weights; the variances are such that activations do not explode with depth."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(1_000_003, np.float32)  # repeated, as drawing every weight takes longest of all
    arrays = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            arrays[name] = np.resize(noise * np.float32(np.sqrt(2 / np.prod(shape[1:]))), shape)
        elif name.endswith("var"):
            arrays[name] = rng.uniform(1.5, 2.5, shape)
        elif name.endswith("gamma"):  # of a BatchNorm, or the slopes of a PReLU
            arrays[name] = rng.uniform(0.1, 0.4, shape) if "relu" in name else rng.uniform(0.8, 1.2, shape)
        else:
            arrays[name] = rng.normal(0, 0.1, shape)
    return arrays


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
