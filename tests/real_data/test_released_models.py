"""The released MobileFaceNet y1, MobileFace V1 and MTCNN networks, against MXNet and their published numbers."""

import tarfile

import numpy as np
import onnxruntime
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params, write_params
from insightrec.deploy.quick_prelu import rewrite_prelu
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.errors import ModelError
from insightrec.recordio_tools.image_codec import decode_rgb

TOLERANCE = 5e-6  # of the largest absolute output
Y1, MOBILEFACE = "models/mobilefacenet_y1/model", "models/mobileface_v1/MobileFace_Identification_V1"
# The input each of the four stages sees, as (batch, channels, height, width).
MTCNN = {"det1": (1, 3, 61, 47), "det2": (5, 3, 24, 24), "det3": (5, 3, 48, 48), "det4": (5, 15, 24, 24)}


@pytest.fixture(scope="module")
def faces(data):
    """uint8 (21, 112, 112, 3): aligned faces."""
    paths = sorted((data / "records" / "lfw60" / "aligned").rglob("*.jpg"))[::33]
    return np.stack([decode_rgb(path.read_bytes(), path.name) for path in paths])


@pytest.fixture(scope="module")
def mobileface(data):
    return Embedder(f"{data / MOBILEFACE},0", image_size=(100, 100), color="gray", mean=127.5, scale=1 / 127.5)


@pytest.fixture(scope="module")
def mobileface_faces(data):
    """uint8 (200, 100, 100, 3): the images whose embeddings were published, in the order of their names."""
    with tarfile.open(data / "models" / "mobileface_v1" / "LFW-Aligned-100Pair.tar") as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        return np.stack([decode_rgb(archive.extractfile(member).read(), member.name) for member in members])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def in_mxnet(mx, prefix, epoch, outputs, batch):
    symbol, arguments, states = mx.model.load_checkpoint(str(prefix), epoch)
    symbol = mx.sym.Group([symbol.get_internals()[name] for name in outputs])
    wanted = {name: arguments[name] for name in symbol.list_arguments() if name in arguments}
    wanted["data"] = mx.nd.array(batch)
    for name in set(symbol.list_arguments()) - set(wanted):  # labels
        wanted[name] = mx.nd.zeros(len(batch))
    executor = symbol.bind(mx.cpu(), wanted, aux_states=states, grad_req="null")
    return [output.asnumpy() for output in executor.forward()]


def in_onnx(prefix, epoch, outputs, batch):
    graph, params = read_symbol(f"{prefix}-symbol.json"), read_params(f"{prefix}-{epoch:04d}.params")
    model = convert(graph, params, outputs=outputs, input_shape=batch.shape[1:])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(outputs, {"data": batch})


def relative_difference(found, expected):
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


def test_y1_parameters_round_trip(data, tmp_path):
    original = data / f"{Y1}-0000.params"
    write_params(tmp_path / "again.params", read_params(original).arrays)
    assert (tmp_path / "again.params").read_bytes() == original.read_bytes()


@pytest.mark.mxnet
@pytest.mark.parametrize("name", [Y1, MOBILEFACE, *(f"mtcnn/{stage}" for stage in MTCNN)])
def test_parameters_are_what_mxnet_reads(mx, data, name):
    (path,) = (data / name).parent.glob(f"{(data / name).name}-*.params")
    expected, found = mx.nd.load(str(path)), read_params(path).arrays
    assert list(found) == list(expected)
    for key, array in found.items():
        np.testing.assert_array_equal(array, expected[key].asnumpy())


@pytest.mark.mxnet
def test_y1_equals_mxnet(mx, data, faces):
    batch = faces.transpose(0, 3, 1, 2).astype(np.float32)
    (found,) = in_onnx(data / Y1, 0, ["fc1_output"], batch)
    (expected,) = in_mxnet(mx, data / Y1, 0, ["fc1_output"], batch)
    assert relative_difference(found, expected) < TOLERANCE


@pytest.mark.mxnet
def test_both_backends_embed_alike(mx, data, faces):
    model = f"{data / Y1},0"
    found = Embedder(model, batch_size=8).embed(faces)
    expected = Embedder(model, batch_size=8, backend="mxnet").embed(faces)
    assert found.shape == (len(faces), 128)
    np.testing.assert_allclose(unit(found), unit(expected), rtol=0, atol=1e-5)
    assert relative_difference(found, expected) < TOLERANCE


def test_quick_prelu_gives_the_same_embeddings(data, faces):
    model = convert(read_symbol(data / f"{Y1}-symbol.json"), read_params(data / f"{Y1}-0000.params"))
    batch = faces.transpose(0, 3, 1, 2).astype(np.float32)

    def embeddings():
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {"data": batch})[0]

    plain = embeddings()
    assert rewrite_prelu(model) == 33  # all there are
    assert relative_difference(embeddings(), plain) < 1e-6


def test_an_embedding_does_not_depend_on_its_batch(data, faces):
    model = f"{data / Y1},0"
    alone, together = (Embedder(model, batch_size=size, threads=1).embed(faces[:6]) for size in (1, 4))
    np.testing.assert_allclose(unit(alone), unit(together), rtol=0, atol=1e-6)


def test_mobileface_v1_gives_its_published_embeddings(data, mobileface, mobileface_faces):
    assert (mobileface.image_size, mobileface.embedding_size) == ((100, 100), 256)
    found = unit(mobileface.embed(mobileface_faces))
    folder = data / "models" / "mobileface_v1"

    saved = unit(np.load(folder / "mobileface_v1_100pair.npy"))
    assert (found * saved).sum(1).min() >= 0.999999

    # The text lists identities in this order too, but may swap the two images of one.
    listed = unit(np.loadtxt(folder / "feature_LFW-Aligned-100Pair.txt"))
    labels = np.loadtxt(folder / "lable_LFW-Aligned-100Pair.txt", int)
    nearest = (found @ listed.T).argmax(1)
    np.testing.assert_array_equal(np.sort(nearest), np.arange(len(found)))
    np.testing.assert_array_equal(labels[nearest], labels)
    assert (found * listed[nearest]).sum(1).min() >= 0.999999


@pytest.mark.mxnet
def test_mobileface_v1_equals_mxnet(mx, data, mobileface_faces):
    batch = (mobileface_faces[:20, None, :, :, 1] - np.float32(127.5)) / np.float32(127.5)
    outputs = ["fc5_output", "l2normalization1_output"]
    expected = in_mxnet(mx, data / MOBILEFACE, 0, outputs, batch)
    for found, array in zip(in_onnx(data / MOBILEFACE, 0, outputs, batch), expected):
        assert relative_difference(found, array) < TOLERANCE


@pytest.mark.mxnet
@pytest.mark.parametrize("stage", MTCNN)
def test_mtcnn_equals_mxnet(mx, data, stage):
    graph = read_symbol(data / "mtcnn" / f"{stage}-symbol.json")
    outputs = [graph.name_of(head) for head in graph.heads]
    batch = np.random.default_rng(0).uniform(-1, 1, MTCNN[stage]).astype(np.float32)
    expected = in_mxnet(mx, data / "mtcnn" / stage, 1, outputs, batch)
    for found, array in zip(in_onnx(data / "mtcnn" / stage, 1, outputs, batch), expected):
        assert relative_difference(found, array) < TOLERANCE


def test_mtcnn_first_stage_takes_images_of_any_size(data):
    graph, params = read_symbol(data / "mtcnn" / "det1-symbol.json"), read_params(data / "mtcnn" / "det1-0001.params")
    model = convert(graph, params, outputs=["prob1"], input_shape=(3, None, None)).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    # A 3x3 layer, pooling by 2 that rounds up, two more 3x3 layers: 12 -> 10 -> 5 -> 3 -> 1.
    for height, width, expected in ((12, 12, (1, 1)), (13, 60, (2, 25)), (61, 47, (26, 19))):
        (found,) = session.run(None, {"data": np.zeros((1, 3, height, width), np.float32)})
        assert found.shape == (1, 2, *expected)


def test_a_model_given_the_wrong_images_says_so(data):
    with pytest.raises(ModelError, match=r"'conv1': parameter 'conv1_weight' .*expected shape \(32, 3, 3, 3\) after"):
        Embedder(f"{data / MOBILEFACE},0")
    with pytest.raises(ModelError, match=r"node 'pre_fc1'.*'fc1_weight'.*expected shape"):
        Embedder(f"{data / Y1},0", image_size=(128, 128))


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.98, 0.9999])
def test_released_parameters_cut_short(data, tmp_path, share):
    content = (data / f"{Y1}-0000.params").read_bytes()
    path = tmp_path / "cut.params"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match=r"cut.params: byte \d+: .*expected"):
        read_params(path)
