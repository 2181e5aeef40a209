"""MTCNN on photos, against what InsightFace's own code found on them."""

import json

import numpy as np
import pytest

from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.deploy.params_file import read_params, write_params
from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.recordio_tools.image_file import read_image

STAGES = ("det1", "det2", "det3", "det4")


@pytest.fixture(scope="module")
def folder(data):
    return data / "mtcnn"


@pytest.fixture(scope="module")
def detections(folder):
    return json.loads((folder / "insightface_detections.json").read_text())


@pytest.fixture(scope="module")
def photos(folder, detections):
    return {name: read_image(folder / "photos" / name)[1] for name in detections["det1-4"]}


@pytest.fixture(scope="module")
def packaged():
    try:
        return load_networks()
    except InputError as reason:
        pytest.skip(str(reason))


def pairs(detector, photos, expected):
    """(found, box, score, landmarks) of each face InsightFace found, and none that it did not."""
    for name, image in photos.items():
        found = detector.detect(image)
        assert len(found) == len(expected[name]["points_xy"]), name
        assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)
        for face, box, points in zip(found, expected[name]["boxes_xyxy_score"], expected[name]["points_xy"]):
            yield face, np.array(box[:4]), box[4], np.array(points)


def compare(detector, photos, expected, whole_pixels=False):
    """Every face, in InsightFace's order; returns the distances of its landmarks, pixels."""
    distances = []
    for face, box, score, points in pairs(detector, photos, expected):
        np.testing.assert_allclose(face.box, box, atol=1e-3)
        assert face.score == pytest.approx(score, abs=1e-5)
        landmarks = np.trunc(face.landmarks) if whole_pixels else face.landmarks
        distances.append(np.linalg.norm(landmarks - points, axis=1))
    assert len(distances) == 17
    return np.concatenate(distances)


def test_every_face_of_three_networks(folder, photos, detections):
    distances = compare(MTCNN(folder, landmark_refinement=False), photos, detections["det1-3"])
    assert distances.max() < 1e-3


def test_every_face_of_four_networks(folder, photos, detections):
    # InsightFace cuts these landmarks to whole pixels; one at a border may fall to the other side.
    distances = compare(MTCNN(folder), photos, detections["det1-4"], whole_pixels=True)
    assert distances.mean() < 0.1


def test_every_face_of_the_packaged_networks(packaged, photos, detections):
    assert compare(MTCNN(packaged), photos, detections["det1-3"]).max() < 1e-3


def test_the_packaged_networks_are_the_folders(packaged, folder):
    rng = np.random.default_rng(0)
    own = load_networks(folder)
    for stage, shape in (("proposal", (1, 3, 37, 50)), ("refine", (7, 3, 24, 24)), ("output", (5, 3, 48, 48))):
        batch = rng.uniform(-1, 1, shape).astype(np.float32)
        found = [getattr(networks, stage)(batch) for networks in (packaged, own)]
        for first, second in zip(*found):
            np.testing.assert_allclose(first, second, atol=1e-4)


def test_confirm_finds_the_faces_of_the_cascade_in_its_own_candidates(folder, photos):
    detector = MTCNN(folder)
    for image in photos.values():
        confirmed = detector.confirm(image, detector._propose(image), (0.7, 0.8))
        for face, expected in zip(confirmed, detector.detect(image)):
            np.testing.assert_array_equal(face.box, expected.box)
            np.testing.assert_array_equal(face.landmarks, expected.landmarks)


# Faces seen from the front; those in profile move by a tenth of the face's width and more.
CROPPED = ("Nathalie_Baye_0002.jpg", "Rob_Lowe_0001.jpg", "blur.jpg", "d1.jpeg", "kun.jpg")


@pytest.mark.parametrize("margin", [0.2, 0.3])
@pytest.mark.parametrize("name", CROPPED)
def test_landmarks_of_a_roughly_cropped_face(folder, photos, name, margin):
    detector, image = MTCNN(folder), photos[name]
    (face,) = detector.detect(image)
    width = face.box[2] - face.box[0]
    left, top = np.maximum(face.box[:2] - margin * width, 0).astype(int)
    right, bottom = (face.box[2:] + margin * width).astype(int)
    crop = image[top:bottom, left:right]
    (found,) = detector.confirm(crop, [[0, 0, crop.shape[1], crop.shape[0]]])
    distances = np.linalg.norm(found.landmarks + (left, top) - face.landmarks, axis=1)
    assert distances.max() < 0.04 * width  # 4 px of a face 100 px wide


def test_a_face_at_the_border(folder, photos):
    """The photo cut through the face: boxes reach past it, nothing fails."""
    image = photos["Rob_Lowe_0001.jpg"]
    detector = MTCNN(folder)
    for cut in (image[:, 100:], image[:, :150], image[90:], image[:160], image[:, 100:].copy()):
        for face in detector.detect(cut):
            assert np.isfinite(face.landmarks).all()
            assert np.isfinite(face.box).all()


def test_noise_and_flat_images(folder):
    detector = MTCNN(folder)
    noise = np.random.default_rng(0).integers(0, 256, (200, 170, 3), np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.full((60, 70, 3), 255, np.uint8)) == []


def copy_but(folder, tmp_path, stage, change):
    """The folder with one weight of one stage changed."""
    for name in STAGES[:3]:
        for ending in ("-symbol.json", "-0001.params"):
            (tmp_path / f"{name}{ending}").write_bytes((folder / f"{name}{ending}").read_bytes())
    arrays = {name: array.copy() for name, array in read_params(folder / f"{stage}-0001.params").arrays.items()}
    change(arrays)
    write_params(tmp_path / f"{stage}-0001.params", arrays, overwrite=True)
    return tmp_path


@pytest.mark.parametrize("stage", STAGES[:3])
def test_a_weight_changed_is_noticed(folder, tmp_path, stage):
    def change(arrays):
        arrays["arg:conv2_weight"][3, 2, 1, 1] += 1

    with pytest.raises(ModelError, match=rf"{stage}-0001.params: expected .* for the fixed input of {stage}, found"):
        load_networks(copy_but(folder, tmp_path, stage, change))


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_weights_cut_short(folder, tmp_path, share):
    copy_but(folder, tmp_path, "det2", lambda arrays: None)
    path = tmp_path / "det2-0001.params"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ModelError, match=r"det2-0001.params: byte \d+: .*expected"):
        load_networks(tmp_path)
