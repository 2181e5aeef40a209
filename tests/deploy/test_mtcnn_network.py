import numpy as np
import pytest
from onnx import TensorProto, helper

from insightrec.deploy.mtcnn_network import MtcnnNetwork, face_probability, to_batch
from insightrec.recordio_tools.errors import ModelError


def identity(shape, transposed):
    """A network that gives its input as a map and its sum over channels and places as a row."""
    nodes = [helper.make_node("Identity", ["x"], ["map"]), helper.make_node("Flatten", ["x"], ["row"])]
    names = ("x", "map", "row")
    shapes = (shape, shape, ("n", "m"))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in zip(names, shapes)]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return MtcnnNetwork(model, "net.onnx", ["map", "row"], transposed=transposed)


def test_a_transposed_network_sees_columns_of_rgb_and_its_maps_are_turned_back(rng):
    batch = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    straight, turned = identity(("n", 3, "h", "w"), False), identity(("n", "w", "h", 3), True)
    np.testing.assert_array_equal(straight(batch)[0], batch)
    np.testing.assert_array_equal(turned(batch)[0], batch[:, ::-1])
    seen = turned(batch)[1].reshape(2, 5, 4, 3)
    for x, y, channel in ((0, 0, 0), (4, 1, 2), (2, 3, 1)):
        assert seen[1, x, y, channel] == batch[1, 2 - channel, y, x]


def test_batches_are_scaled_bgr(rng):
    images = rng.integers(0, 256, (3, 4, 5, 3), np.uint8)
    expected = (images[..., ::-1].transpose(0, 3, 1, 2) - 127.5) / 128
    for dtype in (np.uint8, np.float32):
        found = to_batch(list(images.astype(dtype)))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_a_view_of_an_image_makes_a_batch_too(rng):
    image = rng.integers(0, 256, (9, 9, 3), np.uint8)
    np.testing.assert_array_equal(to_batch([image[2:7, 3:6]]), to_batch([image[2:7, 3:6].copy()]))


def test_probability_is_the_second_of_a_softmax(rng):
    logits = rng.uniform(-9, 9, (2, 2, 3, 4))
    exponentials = np.exp(logits)
    np.testing.assert_allclose(face_probability(logits), exponentials[:, 1] / exponentials.sum(axis=1))


def test_extreme_logits_give_0_and_1_without_a_warning():
    with np.errstate(all="raise"):
        logits = np.array([[300, -300], [-300, 300]], np.float32)
        np.testing.assert_allclose(face_probability(logits), [0, 1])


def test_an_input_that_does_not_fit_and_a_model_that_is_none():
    network = identity(("n", 3, 4, 5), False)
    with pytest.raises(ModelError, match=r"net.onnx: fails on an input of shape \(1, 3, 9, 5\)"):
        network(np.zeros((1, 3, 9, 5), np.float32))
    model = helper.make_model(helper.make_graph([helper.make_node("NoSuchOp", ["x"], ["y"])], "graph", [], []))
    with pytest.raises(ModelError, match=r"net.onnx: ONNX Runtime cannot load it"):
        MtcnnNetwork(model, "net.onnx", ["y"])
