"""The released MobileFaceNet on photos: who is the same person, and what the threshold of 1.24 means on LFW."""

import itertools
import re

import cv2
import numpy as np
import pytest

from insightrec.deploy.face_model import FaceModel
from insightrec.deploy.feature_comparison import THRESHOLD
from insightrec.deploy.test import main
from insightrec.eval.kfold_accuracy import kfold_accuracy
from insightrec.eval.validation_rate import validation_rate
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.verification_pack import read_pack

# Two shots of one person, and one photo each of others.
SAME = ("kun.jpg", "r0.jpg")
OTHERS = ("Nathalie_Baye_0002.jpg", "Rob_Lowe_0001.jpg", "Teresa_Williams_0001_1k.jpg", "d1.jpeg")
PERSONS = ("Ann_Veneman", "Bill_Gates", "Colin_Farrell", "Harrison_Ford", "Jeb_Bush", "Michael_Jackson", "Shimon_Peres")


@pytest.fixture(scope="module")
def model(data):
    return f"{data / 'models' / 'mobilefacenet_y1' / 'model'},0"


@pytest.fixture(scope="module")
def mtcnn(data):
    return data / "mtcnn"


@pytest.fixture(scope="module")
def photos(mtcnn):
    return mtcnn / "photos"


def verdicts(face_model, images):
    """{(name, name): same person or not} of every pair of ``images``, {name: BGR}."""
    features = {name: face_model.get_feature(face_model.get_input(image)) for name, image in images.items()}
    return {pair: face_model.compare(*map(features.get, pair)).is_same for pair in itertools.combinations(features, 2)}


@pytest.mark.parametrize("flip", [0, 1])
def test_photos_of_one_person_and_of_others(model, mtcnn, photos, flip):
    images = {name: cv2.imread(str(photos / name)) for name in SAME + OTHERS}
    found = verdicts(FaceModel(model=model, mtcnn=mtcnn, flip=flip), images)
    assert [pair for pair, is_same in found.items() if is_same] == [SAME]
    assert len(found) == 15


def in_a_photo(crop):
    """A crop of a face, twice as large, in a gray picture."""
    picture = np.full((480, 640, 3), 128, np.uint8)
    picture[100:324, 150:374] = cv2.resize(crop, (224, 224))
    return picture


@pytest.mark.parametrize(("det", "show"), [(0, in_a_photo), (1, lambda crop: crop)])
def test_persons_of_lfw(data, model, mtcnn, det, show):
    folder = data / "records" / "lfw60" / "aligned"
    paths = [path for person in PERSONS for path in sorted((folder / person).iterdir())[:4]]
    images = {path.stem: show(cv2.imread(str(path))) for path in paths}
    found = verdicts(FaceModel(model=model, mtcnn=mtcnn, det=det, flip=1), images)
    of_one = {pair: is_same for pair, is_same in found.items() if pair[0][:-5] == pair[1][:-5]}
    assert (len(of_one), len(found)) == (7 * 6, 28 * 27 // 2)
    assert sum(found.values()) == sum(of_one.values())  # nobody is taken for another
    assert sum(of_one.values()) >= 40


def test_the_tool_on_two_photos(model, mtcnn, photos, capsys):
    def compare(first, second, *flags):
        main([str(photos / first), str(photos / second), "--model", model, "--mtcnn", str(mtcnn), *flags])
        verdict, meaning = capsys.readouterr().out.splitlines()
        assert "squared distance below 1.24, a cosine above 0.38" in meaning
        distance, cosine = map(float, re.search(r"distance (\d\.\d+), cosine (-?\d\.\d+)", verdict).groups())
        assert cosine == pytest.approx(1 - distance / 2, abs=1e-5)
        return distance, verdict.rpartition(": ")[2]

    distance, verdict = compare(*SAME)
    assert (distance < 0.1, verdict) == (True, "the same person")
    distance, verdict = compare("Rob_Lowe_0001.jpg", "d1.jpeg", "--flip", "1")
    assert (distance > 1.5, verdict) == (True, "different persons")


def test_the_tool_writes_128_numbers(model, mtcnn, photos, tmp_path, capsys):
    path = tmp_path / "feature.npy"
    main([str(photos / "kun.jpg"), "--model", model, "--mtcnn", str(mtcnn), "--output", str(path)])
    feature = np.load(path)
    assert feature.shape == (1, 128)
    assert np.linalg.norm(feature) == pytest.approx(1, abs=1e-6)
    printed = capsys.readouterr().out.partition("\n")[2].strip("[] \n").split()
    np.testing.assert_array_equal(np.float32(printed), feature[0])


def test_distances_are_those_of_verification(data, model, mtcnn):
    pack = read_pack(data / "verification" / "lfw_a.bin")
    for flip, copies in ((0, "noflip"), (1, "flip")):
        expected = np.load(data / "verification" / f"lfw_a__y1.{copies}.sqdist.npy")
        face_model = FaceModel(model=model, mtcnn=mtcnn, flip=flip)
        for pair in range(0, 6000, 300):
            crops = (decode_rgb(pack.images[place], "lfw_a.bin") for place in (2 * pair, 2 * pair + 1))
            found = face_model.compare(*(face_model.get_feature(crop.transpose(2, 0, 1)) for crop in crops))
            assert found.distance == pytest.approx(expected[pair], abs=1e-4)
            assert found.is_same == (expected[pair] < THRESHOLD)


def test_what_the_threshold_means_on_lfw(data):
    """1.24 is strict for this model: one false accept of 3,000, at the price of 95 false rejects."""
    is_same = np.array(read_pack(data / "verification" / "lfw_a.bin").is_same)
    distance = np.load(data / "verification" / "lfw_a__y1.flip.sqdist.npy")
    accepted = distance < THRESHOLD
    assert (np.count_nonzero(accepted & ~is_same), np.count_nonzero(~accepted & is_same)) == (1, 95)
    accuracy = kfold_accuracy(distance, is_same)
    assert (min(accuracy.fold_threshold), max(accuracy.fold_threshold)) == pytest.approx((1.41, 1.46))
    best = distance < 1.45
    assert (np.count_nonzero(best & ~is_same), np.count_nonzero(~best & is_same)) == (14, 33)
    validation = validation_rate(distance, is_same, far_target=1e-3)
    assert 1.30 < min(validation.fold_threshold) < max(validation.fold_threshold) < 1.33
