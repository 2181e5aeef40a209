"""From photo to feature, with a detector that finds a drawn face on black, and a model of one product."""

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from insightrec.deploy import face_model as module
from insightrec.deploy.drawn_faces import drawn_faces
from insightrec.deploy.face_model import FaceModel
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mtcnn import DetectedFace
from insightrec.deploy.params_file import write_params
from insightrec.recordio_tools.errors import ImageError, InputError, ModelError
from insightrec.recordio_tools.face_alignment import template

SIZE = (112, 112)
WEIGHT = np.random.default_rng(1).normal(size=(5, 3 * 112 * 112)).astype(np.float32)


class Detector:
    """Stands in for `MTCNN`: the face is what is not black, and a whole image given to `confirm` is a face."""

    def __init__(self, networks, min_size=20):
        assert networks == "networks of weights"

    def detect(self, image):
        rows, columns = np.nonzero(image.any(axis=2))
        if not len(rows):
            return []
        return [face([columns.min(), rows.min(), columns.max(), rows.max()])]

    def confirm(self, image, boxes):
        assert [list(box) for box in boxes] == [[0, 0, image.shape[1], image.shape[0]]]
        return [face([0, 0, 111, 111])] if image.any() else []


def face(box):
    return DetectedFace(np.array(box, np.float64), 0.99, template(SIZE) + box[:2])


def photo(crop, left=37, top=21):
    """BGR of ``crop`` (RGB) on black."""
    canvas = np.zeros((200, 230, 3), np.uint8)
    canvas[top : top + 112, left : left + 112] = np.maximum(crop, 1)
    return canvas[..., ::-1]


@pytest.fixture(autouse=True)
def detector(monkeypatch):
    monkeypatch.setattr(module, "MTCNN", Detector)
    monkeypatch.setattr(module, "load_networks", lambda folder: "networks of weights")


@pytest.fixture(scope="module")
def crops():
    return np.maximum(drawn_faces(2, SIZE), 1)


@pytest.fixture
def model(tmp_path, tiny_graph):
    graph = json.loads(tiny_graph("FullyConnected", {"num_hidden": 5, "no_bias": True}, ["w"]))
    (tmp_path / "dense-symbol.json").write_text(json.dumps(graph))
    write_params(tmp_path / "dense-0007.params", {"arg:w": WEIGHT})
    return f"{tmp_path / 'dense'},7"


def unit(vector):
    return vector / np.linalg.norm(vector)


def embedding(crop):
    """What the model gives for a crop (h, w, 3)."""
    return WEIGHT.astype(np.float64) @ crop.transpose(2, 0, 1).ravel().astype(np.float64)


def test_from_photo_to_feature(model, crops):
    face_model = FaceModel(model=model)
    aligned = face_model.get_input(photo(crops[0]))
    assert (aligned.shape, aligned.dtype) == ((3, 112, 112), np.uint8)
    assert aligned.flags.c_contiguous
    np.testing.assert_array_equal(aligned.transpose(1, 2, 0), crops[0])  # RGB, and not moved by a fraction of a pixel
    feature = face_model.get_feature(aligned)
    assert (feature.shape, feature.dtype) == ((5,), np.float32)
    np.testing.assert_allclose(feature, unit(embedding(crops[0])), atol=1e-5)


def test_flip_adds_the_mirror_image(model, crops):
    aligned = crops[0].transpose(2, 0, 1)
    plain, both = (FaceModel(model=model, flip=flip).get_feature(aligned) for flip in (0, 1))
    np.testing.assert_allclose(both, unit(embedding(crops[0]) + embedding(crops[0][:, ::-1])), atol=1e-5)
    assert not np.allclose(plain, both, atol=1e-3)
    mirrored = FaceModel(model=model, flip=1).get_feature(np.ascontiguousarray(aligned[:, :, ::-1]))
    np.testing.assert_allclose(mirrored, both, atol=1e-6)


@pytest.mark.parametrize("det", [1, 2])
def test_a_cropped_face_is_not_searched_for(crops, det):
    face_model = FaceModel(det=det)
    np.testing.assert_array_equal(face_model.get_input(crops[1][..., ::-1]).transpose(1, 2, 0), crops[1])
    moved = face_model.get_input(photo(crops[1]))
    np.testing.assert_array_equal(moved.transpose(1, 2, 0), photo(crops[1])[:112, :112, ::-1])


@pytest.mark.parametrize("det", [0, 1])
def test_no_face(det):
    assert FaceModel(det=det).get_input(np.zeros((150, 150, 3), np.uint8)) is None


def test_landmarks_that_coincide_are_no_face(monkeypatch, crops):
    point = DetectedFace(np.array([0.0, 0, 1, 1]), 0.3, np.full((5, 2), 0.5))
    monkeypatch.setattr(Detector, "confirm", lambda *_: [point])
    assert FaceModel(det=1).get_input(crops[0]) is None


def test_upstreams_namespace(model, crops):
    args = Namespace(image_size="112,96", model="", ga_model="", gpu=-1, det=1, flip=0, threshold=1, unknown=2)
    face_model = FaceModel(args)
    assert face_model.image_size == (112, 96)
    assert face_model.get_input(crops[0]).shape == (3, 112, 96)
    assert face_model.args.mtcnn is None
    assert not hasattr(face_model.args, "unknown")
    assert FaceModel(args, det=0).args.det == 0
    assert args.det == 1


def test_keywords_and_defaults():
    args = FaceModel(flip=1).args
    assert vars(args) == {**module.DEFAULTS, "flip": 1}
    assert (args.det, args.threshold, args.image_size) == (0, 1.24, (112, 112))
    with pytest.raises(TypeError, match="expected keywords of image_size, model, .*, found det_type"):
        FaceModel(det_type=1)


def test_a_model_without_a_keyword(model, crops):
    aligned = crops[0].transpose(2, 0, 1)
    expected = FaceModel(model=model, flip=1).get_feature(aligned)
    for named in (model, find_model(model)):
        np.testing.assert_array_equal(FaceModel(named, flip=1).get_feature(aligned), expected)
    with pytest.raises(TypeError, match="expected one model, found 'a,0' and model='b,0'"):
        FaceModel("a,0", model="b,0")


def test_a_model_by_its_path(tmp_path):
    with pytest.raises(ModelError, match="none.onnx: no such file"):
        FaceModel(tmp_path / "none.onnx")


@pytest.mark.parametrize("wrong", [{"model": "m,0"}, ["m,0"], 3, Namespace(), Namespace(modle="m,0")])
def test_what_is_neither_model_nor_namespace_is_not_ignored(wrong):
    found = type(wrong).__name__
    with pytest.raises(TypeError, match=f"expected a model, or a namespace with any of image_size, .*, found {found}"):
        FaceModel(wrong)


def test_numbers_as_texts():
    texts = {"image_size": "112,96", "gpu": "-1", "det": "0", "flip": "0", "threshold": "1.5", "threads": "2"}
    numbers = {"image_size": (112, 96), "gpu": -1, "det": 0, "flip": 0, "threshold": 1.5, "threads": 2}
    for face_model in (FaceModel(Namespace(**texts)), FaceModel(**texts), FaceModel(**numbers)):
        found = vars(face_model.args)
        assert found == {**module.DEFAULTS, **numbers}
        assert [type(found[name]) for name in numbers] == [tuple, int, int, int, float, int]
    assert FaceModel(flip=True).args.flip == 1
    assert FaceModel(image_size=[112, 96], det=np.int64(2), threshold=np.float32(1.24)).args.threshold == 1.24


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("flip", "yes", "expected a whole number, 0 to 1, found 'yes'"),
        ("flip", 2, "expected a whole number, 0 to 1, found '2'"),
        ("flip", None, "expected a whole number, 0 to 1, found 'None'"),
        ("det", -1, "expected a whole number, 0 or more, found '-1'"),
        ("det", 0.5, "expected a whole number, 0 or more, found '0.5'"),
        ("gpu", -5, "expected a whole number, -1 or more, found '-5'"),
        ("threads", 0, "expected a whole number, 1 to 1024, found '0'"),
        ("threads", 10**6, "expected a whole number, 1 to 1024, found '1000000'"),
        ("threshold", 9, "expected a number, 0 to 4, found '9'"),
        ("threshold", None, "expected a number, 0 to 4, found 'None'"),
        ("threshold", np.nan, "expected a number, 0 to 4, found 'nan'"),
        ("image_size", 112, "expected height,width in pixels such as 112,112, found '112'"),
        ("image_size", (112, 112, 3), "expected height,width in pixels such as 112,112, found '112,112,3'"),
        ("image_size", None, "expected height,width in pixels such as 112,112, found 'None'"),
        ("model", 3, "expected 'prefix,epoch', a path ending in .onnx or ModelFiles, found int"),
        ("ga_model", ["m,0"], "expected 'prefix,epoch', a path ending in .onnx or ModelFiles, found list"),
        ("mtcnn", 3, "expected a folder, found int"),
    ],
)
def test_options_of_another_kind(name, wrong, message):
    for options in ({"args": Namespace(**{name: wrong})}, {name: wrong}):
        with pytest.raises(InputError) as raised:
            FaceModel(**options)
        assert str(raised.value) == f"FaceModel: {name}: {message}"


def test_the_text_0_does_not_flip_and_looks_for_faces(model, crops):
    aligned = crops[0].transpose(2, 0, 1)
    plain = FaceModel(model, flip="0", det="0")
    np.testing.assert_array_equal(plain.get_feature(aligned), FaceModel(model).get_feature(aligned))
    np.testing.assert_array_equal(plain.get_input(photo(crops[0])), aligned)


def test_names_of_files(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "load_networks", lambda folder: asked.append(folder) or "networks of weights")
    assert FaceModel(model=None, ga_model=None, mtcnn=Path("weights")).args.model == ""
    FaceModel(mtcnn="")
    FaceModel()
    assert asked == ["weights", "", None]  # an empty name is refused by load_networks, as the tools' --mtcnn is


def test_compare_uses_the_threshold():
    east, north_east = np.array([1, 0]), np.array([1, 1]) / np.sqrt(2)  # 45 degrees: a squared distance of 0.59
    assert FaceModel().compare(east, north_east).is_same
    assert not FaceModel(threshold=0.5).compare(east, north_east).is_same
    with pytest.raises(InputError, match="second feature: expected finite numbers of length 1, found length 5"):
        FaceModel().compare(east, 5 * north_east)


def test_gender_and_age(monkeypatch, crops):
    seen = []

    class Model:
        def __init__(self, model, **options):
            assert (model, options["image_size"]) == ("ga,0", SIZE)
            self.name = "ga-0000"

        def embed(self, images):
            seen.extend(images)
            return np.array([[-1.0, 1.0] + 30 * [0, 1] + 70 * [1, 0]], np.float32)

    monkeypatch.setattr(module, "open_embedder", Model)
    found = FaceModel(ga_model="ga,0").get_ga(crops[0].transpose(2, 0, 1))
    assert tuple(found) == (1, 30)
    np.testing.assert_array_equal(seen, crops[:1])


def test_what_was_not_named_cannot_be_asked_for(crops):
    aligned = crops[0].transpose(2, 0, 1)
    with pytest.raises(InputError, match="expected a model to be named, found none; give model='prefix,epoch'"):
        FaceModel().get_feature(aligned)
    with pytest.raises(InputError, match="expected a ga_model to be named"):
        FaceModel().get_ga(aligned)


@pytest.mark.parametrize("size", ["112", "112,x", "96,112", (100, 100)])
def test_image_sizes_without_a_template(size):
    with pytest.raises(InputError, match="expected height,width in pixels|the template is for 112x112 and 112x96"):
        FaceModel(image_size=size)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (None, "NoneType"),
        (np.zeros((9, 9), np.uint8), r"uint8 \(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), r"uint8 \(9, 9, 4\)"),
        (np.zeros((9, 9, 3)), r"float64 \(9, 9, 3\)"),
    ],
)
def test_photos_of_another_kind(wrong, found):
    with pytest.raises(ImageError, match=rf"^face_img: expected uint8 BGR \(H, W, 3\), found {found}; could"):
        FaceModel().get_input(wrong)


@pytest.mark.parametrize("wrong", [None, np.zeros((112, 112, 3), np.uint8), np.zeros((3, 112, 112), np.float32)])
def test_aligned_faces_of_another_kind(model, wrong):
    with pytest.raises(ImageError, match=r"^aligned: expected uint8 RGB \(3, 112, 112\), as of get_input, found "):
        FaceModel(model=model).get_feature(wrong)


def test_an_embedding_of_zero(model):
    with pytest.raises(ModelError, match="dense-0007: expected an embedding of finite numbers, not all zero"):
        FaceModel(model=model).get_feature(np.zeros((3, 112, 112), np.uint8))


def test_a_missing_model(tmp_path):
    with pytest.raises(ModelError, match="none-symbol.json: no such file"):
        FaceModel(model=f"{tmp_path / 'none'},0")
