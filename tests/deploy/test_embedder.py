import json

import cv2
import numpy as np
import onnx
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import ModelFiles
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params, write_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.errors import ImageError, InputError, ModelError

SIZE = (6, 5)
FEATURES = 3 * SIZE[0] * SIZE[1]


def write_model(folder, name="model", features=FEATURES):
    """An MXNet model: a fully connected layer on all pixels."""
    variables = [{"op": "null", "name": item, "inputs": []} for item in ("data", "fc1_weight", "fc1_bias")]
    layer = {
        "op": "FullyConnected",
        "name": "fc1",
        "attrs": {"num_hidden": "4"},
        "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
    }
    graph = {"nodes": [*variables, layer], "arg_nodes": [0, 1, 2], "heads": [[3, 0, 0]]}
    (folder / f"{name}-symbol.json").write_text(json.dumps(graph))
    rng = np.random.default_rng(3)
    arrays = {"arg:fc1_weight": rng.standard_normal((4, features)), "arg:fc1_bias": rng.standard_normal(4)}
    write_params(folder / f"{name}-0001.params", {key: array.astype(np.float32) for key, array in arrays.items()})
    return f"{folder}/{name},1"


def write_onnx(model, folder, batch=None, size=SIZE):
    """The same model as ``model.onnx``, of a fixed batch size if one is given."""
    prefix = model.rpartition(",")[0]
    graph, params = read_symbol(f"{prefix}-symbol.json"), read_params(f"{prefix}-0001.params")
    converted = convert(graph, params, input_shape=(3, *size))
    if batch:
        for value in (*converted.graph.input, *converted.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = batch
    onnx.save(converted, str(folder / "model.onnx"))
    return str(folder / "model.onnx")


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (7, *SIZE, 3), np.uint8)


def expected(model, images, mean=0.0, scale=1.0):
    params = read_params(f"{model[:-2]}-0001.params").arg
    planes = (images.transpose(0, 3, 1, 2).astype(np.float64) - mean) * scale
    return planes.reshape(len(images), -1) @ params["fc1_weight"].T + params["fc1_bias"]


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 32])
def test_embed_in_batches_of_any_size(model, images, batch_size):
    embedder = Embedder(model, image_size=SIZE, batch_size=batch_size, threads=1)
    assert (embedder.name, embedder.image_size, embedder.embedding_size) == ("model-0001", SIZE, 4)
    assert embedder.fixed_batch is None
    close(embedder.embed(images), expected(model, images))
    close(embedder.embed(images[::-2]), expected(model, images[::-2]))


def test_no_images(model):
    found = Embedder(model, image_size=SIZE).embed(np.empty((0, *SIZE, 3), np.uint8))
    assert (found.shape, found.dtype) == ((0, 4), np.float32)


def test_mean_and_scale(model, images):
    embedder = Embedder(model, image_size=SIZE, mean=127.5, scale=1 / 128)
    close(embedder.embed(images), expected(model, images, 127.5, 1 / 128))


def test_gray_is_opencvs(tmp_path, images):
    model = write_model(tmp_path, features=FEATURES // 3)
    embedder = Embedder(model, image_size=SIZE, color="gray")
    gray = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    close(embedder.embed(images), expected(model, gray[..., None]))
    close(embedder.embed(images[:, :, ::-1]), expected(model, gray[:, :, ::-1, None]))


def test_the_images_are_left_alone(model, images):
    images.flags.writeable = False
    Embedder(model, image_size=SIZE, mean=1).embed(images)


def test_model_files_instead_of_a_text(model, tmp_path, images):
    files = ModelFiles(tmp_path / "model-symbol.json", tmp_path / "model-0001.params")
    close(Embedder(files, image_size=SIZE).embed(images), expected(model, images))


@pytest.mark.parametrize("batch", [None, 1, 3])
def test_onnx_of_dynamic_and_fixed_batch(model, tmp_path, images, batch):
    embedder = Embedder(write_onnx(model, tmp_path, batch), batch_size=4)
    assert (embedder.name, embedder.image_size, embedder.embedding_size) == ("model", SIZE, 4)
    assert embedder.fixed_batch == batch
    close(embedder.embed(images), expected(model, images))
    assert embedder.embed(images[:0]).shape == (0, 4)


def test_onnx_without_a_declared_size(model, tmp_path, images):
    path = write_onnx(model, tmp_path)
    loaded = onnx.load(path)
    for axis in (2, 3):
        loaded.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"axis{axis}"
    onnx.save(loaded, path)
    close(Embedder(path, image_size=SIZE).embed(images), expected(model, images))
    with pytest.raises(ModelError, match=r"model.onnx: fails on an input of shape \(1, 3, 112, 112\)"):
        Embedder(path)


def test_onnx_of_another_size_or_colour(model, tmp_path):
    path = write_onnx(model, tmp_path)
    with pytest.raises(ModelError, match=r"model.onnx: expected images of \(112, 96\), found an input of \(6, 5\)"):
        Embedder(path, image_size=(112, 96))
    with pytest.raises(ModelError, match=r"model.onnx: expected an input of 1 channels, found \(None, 3, 6, 5\)"):
        Embedder(path, color="gray")
    with pytest.raises(ModelError, match=r"an ONNX model does not run in MXNet"):
        Embedder(path, backend="mxnet")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 5, 6, 3), np.uint8), r"model-0001: expected .* \(N, 6, 5, 3\), found uint8 \(2, 5, 6, 3\)"),
        (np.zeros((2, *SIZE, 3), np.float32), r"found float32 \(2, 6, 5, 3\)"),
        (np.zeros((*SIZE, 3), np.uint8), r"found uint8 \(6, 5, 3\)"),
        ([np.zeros((*SIZE, 3), np.uint8)], "found list"),
    ],
)
def test_images_of_another_kind(model, images, message):
    with pytest.raises(ImageError, match=message):
        Embedder(model, image_size=SIZE).embed(images)


def test_a_model_of_another_size(model):
    with pytest.raises(ModelError, match=r"node 'fc1': .*expected shape \(4, 37632\) .*is the image size"):
        Embedder(model)


@pytest.mark.parametrize("argument", [{"color": "bgr"}, {"backend": "torch"}, {"batch_size": 0}])
def test_arguments_out_of_range(model, argument):
    with pytest.raises(ValueError, match=r"expected a color of rgb, gray, a backend of onnxruntime, mxnet"):
        Embedder(model, **argument)


def test_wrong_output(model):
    with pytest.raises(ModelError, match=r"no output 'fc2'; near it are: fc1_output"):
        Embedder(model, image_size=SIZE, output="fc2")


@pytest.mark.parametrize("kept", [0, 10, 30, 60, -1])
def test_parameters_cut_short(model, tmp_path, kept):
    path = tmp_path / "model-0001.params"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model-0001.params: byte .*expected"):
        Embedder(model, image_size=SIZE)


def test_graph_cut_short(model, tmp_path):
    path = tmp_path / "model-symbol.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ModelError, match=r"model-symbol.json: line 1, column .*cut or damaged"):
        Embedder(model, image_size=SIZE)


def test_parameter_missing(model, tmp_path):
    write_params(tmp_path / "model-0001.params", {"arg:fc1_bias": np.zeros(4, np.float32)}, overwrite=True)
    with pytest.raises(ModelError, match=r"expected parameter 'fc1_weight' in .*model-0001.params, found none"):
        Embedder(model, image_size=SIZE)


def test_files_missing(tmp_path):
    with pytest.raises(ModelError, match=r"model-symbol.json: no such file"):
        Embedder(f"{tmp_path}/model,1")
    write_model(tmp_path)
    with pytest.raises(ModelError, match=r"model-0002.params: no such file; .*there are model-0001.params"):
        Embedder(f"{tmp_path}/model,2")


@pytest.mark.mxnet
def test_backend_mxnet(mx, model, images):
    embedder = Embedder(model, image_size=SIZE, backend="mxnet", batch_size=3)
    assert embedder.embedding_size == 4
    close(embedder.embed(images), expected(model, images))
    close(embedder.embed(images[:2]), expected(model, images[:2]))


@pytest.mark.mxnet
def test_backend_mxnet_on_what_it_cannot_run(mx, model, tmp_path):
    with pytest.raises(ModelError, match=r"model-0001.params: .*\(1, 3, 112, 112\).*") as raised:
        Embedder(model, backend="mxnet")
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=r"GPU 99: "):
        Embedder(model, image_size=SIZE, backend="mxnet", gpu=99)
    write_params(tmp_path / "model-0001.params", {"arg:fc1_bias": np.zeros(4, np.float32)}, overwrite=True)
    with pytest.raises(ModelError, match=r"model-0001.params: .*fc1_weight"):
        Embedder(model, image_size=SIZE, backend="mxnet")


def test_default_size_is_for_models_that_declare_none(model, tmp_path, images):
    close(Embedder(model, default_size=SIZE).embed(images), expected(model, images))
    assert Embedder(write_onnx(model, tmp_path), default_size=(99, 99)).image_size == SIZE
    assert Embedder(model, image_size=SIZE, default_size=(99, 99)).image_size == SIZE


def test_images_of_too_many_pixels(model):
    with pytest.raises(ModelError, match=r"model-0001: expected images of at most 67108864 pixels, found 8193x8192"):
        Embedder(model, image_size=(8193, 8192))
