"""Trained networks as files: what MXNet's own loaders and the embedder make of them."""

import json

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.train.checkpoint import Checkpoint, write_checkpoint
from insightrec.train.networks.network_by_name import NetworkOptions, build_network

trained_model = pytest.importorskip("insightrec.train.trained_model", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
cosface = pytest.importorskip("insightrec.train.losses.cosface", reason="needs MXNet")
center_loss = pytest.importorskip("insightrec.train.losses.center_loss", reason="needs MXNet")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="needs MXNet")
network_embedder = pytest.importorskip("insightrec.train.network_embedder", reason="needs MXNet")
parallel = pytest.importorskip("insightrec.train.losses.class_parallel_head", reason="needs MXNet")
softmax = pytest.importorskip("insightrec.train.losses.softmax", reason="needs MXNet")
sphereface = pytest.importorskip("insightrec.train.losses.sphereface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

CLASSES, SIDE = 5, 32
IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
LOSSES = {
    "softmax": lambda: softmax.Softmax(),
    "without bias": lambda: softmax.Softmax(bias=False),
    "cosface": lambda: cosface.CosFace(0.3, 16.0),
    "sphereface": lambda: sphereface.SphereFace(),
    "center": lambda: center_loss.CenterLoss(),
}


def randomized(mx, block):
    """All parameters other than at the start, moving statistics too; a scale is never near 0."""
    rng = np.random.default_rng(1)
    for name, parameter in block.collect_params().items():
        value = rng.normal(size=parameter.shape) / np.sqrt(max(np.prod(parameter.shape[1:]), 1))
        parameter.set_data(mx.nd.array(np.abs(value) + 0.5 if name.endswith(("gamma", "var")) else value))


def made(mx, version_output="E", loss=None, devices=1):
    """A small MobileNet and, with a loss, its head."""
    on = [mx.cpu(number) for number in range(devices)]
    options = NetworkOptions(version_output=version_output, embedding_size=8, version_multiplier=0.0625)
    network = build_network("m1", options)
    size = network.set_up((SIDE, SIDE), on)
    randomized(mx, network)
    if loss is None:
        return network, None
    head = class_head.ClassHead(LOSSES[loss](), CLASSES, size)
    head.initialize(ctx=on)
    randomized(mx, head)
    return network, head


def written(folder, network, head):
    """The prefix of a checkpoint, number 3."""
    params = trained_model.trained_params(network, head)
    checkpoint = Checkpoint(params, trained_model.trained_symbol(network, head).tojson())
    write_checkpoint(str(folder / "model"), 3, checkpoint)
    return str(folder / "model")


def logits(head, embedding):
    """Margin-free logits, in NumPy."""
    arrays, loss = head.arrays(), head.loss
    weight = arrays["fc7_weight"]
    if loss.normalize_embedding:
        embedding = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    if loss.normalize_weight:
        weight = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    return loss.scale * embedding @ weight.T + arrays.get("fc7_bias", 0)


@pytest.mark.parametrize(
    ("version_output", "loss"),
    [
        *(("E", loss) for loss in (None, *LOSSES)),
        *((head, loss) for head in ("A", "AX", "Z") for loss in (None, "softmax", "cosface")),
        *((head, "cosface") for head in ("B", "C", "F", "G", "H", "I", "J", "GAP", "GNAP")),
    ],
)
def test_files_give_the_networks_embedding(mx, tmp_path, version_output, loss):
    """In MXNet's Module, by `mx.model.load_checkpoint`, and in ONNX Runtime."""
    network, head = made(mx, version_output, loss)
    expected = network_embedder.NetworkEmbedder(network, [mx.cpu()], (SIDE, SIDE)).embed(IMAGES)
    near = {"rtol": 1e-4, "atol": 1e-5 * np.abs(expected).max()}
    prefix = written(tmp_path, network, head)

    module = mx.mod.Module.load(prefix, 3, label_names=None)
    module.bind([("data", (3, 3, SIDE, SIDE))], for_training=False)
    pixels = mx.nd.array(IMAGES.transpose(0, 3, 1, 2))
    module.forward(mx.io.DataBatch([pixels]), is_train=False)
    outputs = [output.asnumpy() for output in module.get_outputs()]
    np.testing.assert_allclose(outputs[0].reshape(3, -1), expected, **near)
    assert len(outputs) == (1 if head is None else 2)
    if head is not None:
        np.testing.assert_allclose(outputs[1], logits(head, expected), rtol=1e-3, atol=1e-4)

    symbol, arg, aux = mx.model.load_checkpoint(prefix, 3)
    assert {*symbol.list_arguments()} - {"data"} == {*arg}
    assert {*symbol.list_auxiliary_states()} == {*aux}

    np.testing.assert_allclose(Embedder(f"{prefix},3", image_size=(SIDE, SIDE)).embed(IMAGES), expected, **near)


@pytest.mark.parametrize("version_output", ["A", "B", "D", "E", "Z", "GAP"])
def test_the_classifier_does_not_change_which_output_is_the_embedding(mx, tmp_path, version_output):
    """Of D it is upstream's tap before the activation, with and without."""
    found = []
    for loss in (None, "softmax", "cosface"):
        prefix = written(tmp_path, *made(mx, version_output, loss))
        graph = read_symbol(f"{prefix}-symbol.json")
        found.append(graph.name_of(graph.embedding_output()))
    assert len(set(found)) == 1
    assert found[0] == {"A": "flatten0_output", "B": "pre_fc1_output", "Z": "dropout0_output"}.get(
        version_output, "fc1_output"
    )


def test_the_graph_is_the_same_every_time_and_each_node_has_its_own_name(mx):
    """Else every checkpoint would replace the graph of the ones before."""
    network, head = made(mx, "E", "cosface")
    first = trained_model.trained_symbol(network, head).tojson()
    assert trained_model.trained_symbol(network, head).tojson() == first
    names = [node["name"] for node in json.loads(first)["nodes"]]
    assert len(set(names)) == len(names)
    assert {"fc1", "fc1n", "fc7n", "fc7", "fc7_weight"} <= set(names)


def test_parameters_are_under_upstreams_names(mx):
    network, head = made(mx, "E", "softmax")
    params = trained_model.trained_params(network, head)
    assert {"arg:fc1_gamma", "arg:fc7_weight", "arg:fc7_bias", "aux:fc1_moving_mean"} <= set(params)
    assert len(params) == len(list(network.collect_params())) + 2
    assert all(array.dtype == np.float32 for array in params.values())


def test_centers_are_no_parameters_of_the_graph(mx):
    network, head = made(mx, "E", "center")
    assert "arg:centers" not in trained_model.trained_params(network, head)


def test_a_class_parallel_head_is_written_whole(mx):
    network, _ = made(mx, devices=2)
    head = parallel.ClassParallelHead(softmax.Softmax(), CLASSES, 8, [mx.cpu(0), mx.cpu(1)])
    params = trained_model.trained_params(network, head)
    assert params["arg:fc7_weight"].shape == (CLASSES, 8)
    assert trained_model.trained_symbol(network, head).list_outputs() == ["fc1_output", "fc7_output"]


@pytest.fixture
def normalized(tiny_network):
    """Function (devices) -> network with one batch normalisation, whose statistics are set by device."""

    def make(devices):
        network = tiny_network(named_layers.FullyConnected("fc1", 2), named_layers.BatchNorm("bn"), devices=devices)
        for name, first in (("bn_moving_mean", 0), ("bn_moving_var", 10)):
            for number, copy in enumerate(network.collect_params()[name].list_data()):
                copy[:] = np.array([first + number, first + 3 * number])
        return network

    return make


def statistics_of(network):
    names = ("bn_moving_mean", "bn_moving_var")
    return {name: [copy.asnumpy().tolist() for copy in network.collect_params()[name].list_data()] for name in names}


def test_moving_statistics_are_averaged_over_devices_and_weights_are_not(normalized):
    network = normalized(3)
    weight = network.collect_params()["fc1_weight"].list_data()
    params = trained_model.trained_params(network)
    assert params["aux:bn_moving_mean"].tolist() == [1, 3]
    assert params["aux:bn_moving_var"].tolist() == [11, 13]
    np.testing.assert_array_equal(params["arg:fc1_weight"], weight[0].asnumpy())


def test_every_device_gets_its_own_statistics_again(normalized):
    before, after = normalized(3), normalized(3)
    kept = trained_model.moving_statistics(before)
    assert {name: array.shape for name, array in kept.items()} == {"bn_moving_mean": (3, 2), "bn_moving_var": (3, 2)}
    for name in kept:
        for copy in after.collect_params()[name].list_data():
            copy[:] = -1
    trained_model.set_moving_statistics(after, kept)
    assert statistics_of(after) == statistics_of(before)


@pytest.mark.parametrize("devices", [1, 2])
def test_another_number_of_devices_keeps_the_average(mx, normalized, devices):
    kept = trained_model.moving_statistics(normalized(3))
    network = normalized(devices)
    for name, average in (("bn_moving_mean", [1, 3]), ("bn_moving_var", [11, 13])):
        network.collect_params()[name].set_data(mx.nd.array(average))
    before = statistics_of(network)
    trained_model.set_moving_statistics(network, kept)
    assert statistics_of(network) == before


def test_one_device_has_nothing_to_keep(normalized):
    assert trained_model.moving_statistics(normalized(1)) == {}
    network = normalized(2)
    before = statistics_of(network)
    trained_model.set_moving_statistics(network, {})
    assert statistics_of(network) == before


def test_float16_is_written_as_float32(mx):
    network, head = made(mx, "E", "softmax")
    expected = trained_model.trained_params(network, head)
    network.cast("float16")
    params = trained_model.trained_params(network, head)
    assert all(array.dtype == np.float32 for array in params.values())
    for name, array in params.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-6)
