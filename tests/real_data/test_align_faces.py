"""Photos to crops with the real networks."""

import csv
import json
import shutil

import numpy as np
import pytest

from insightrec.deploy import align_faces
from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.recordio_tools import face2rec
from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.face_record_set import FaceRecordSet

PEOPLE = {  # folder: photos
    "ann": ["Rob_Lowe_0001.jpg", "d1.jpeg", "t1.jpg"],
    "bob": ["Nathalie_Baye_0002.jpg", "Teresa_Williams_0001_1k.jpg", "left_face.jpeg", "right_face.png"],
    "cleo": ["kun.jpg", "r0.jpg", "blur.jpg"],
}


@pytest.fixture
def photos(data, tmp_path, monkeypatch):
    """A copy of the photos in identity folders; the current folder holds it."""
    for person, names in PEOPLE.items():
        (tmp_path / "photos" / person).mkdir(parents=True)
        for name in names:
            shutil.copy(data / "mtcnn" / "photos" / name, tmp_path / "photos" / person)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def align(*options):
    align_faces.main(["--input", "photos", "--output", "aligned", *map(str, options)])
    with open("aligned.csv", newline="") as file:
        return {row["image"].partition("/")[2]: row for row in csv.DictReader(file)}


def points(row):
    return np.array([[float(row[f"l{axis}{number}"]) for axis in "xy"] for number in range(1, 6)])


def test_landmarks_are_insightfaces(data, photos):
    expected = json.loads((data / "mtcnn" / "insightface_detections.json").read_text())["det1-4"]
    rows = align("--mtcnn", data / "mtcnn", "--processes", 2, "--report")
    assert [row["status"] for row in rows.values()] == ["aligned"] * 10
    for name, row in rows.items():
        found = np.array(expected[name]["points_xy"])
        assert int(row["faces"]) == len(found)
        distance = np.abs(np.trunc(points(row)) - found).max(axis=(1, 2)).min()
        assert distance <= 1, name  # they are cut to whole pixels
    face2rec.main(["--root", "aligned", "--output", "of_crops"])
    face2rec.main(["aligned.lst", "--output", "of_list"])
    crops, warped = FaceRecordSet("of_crops"), FaceRecordSet("of_list/aligned.rec")
    assert crops.labels().tolist() == warped.labels().tolist() == [0] * 3 + [1] * 4 + [2] * 3
    assert all(bytes(crops.record(n)[1]) == bytes(warped.record(n)[1]) for n in range(10))


def test_shrunk_photos_give_the_same_faces(photos):
    try:
        load_networks()
    except InputError as reason:
        pytest.skip(str(reason))
    rows = align()
    smaller = align("--detect-side", 400, "--overwrite")
    for name, row in rows.items():
        width = float(row["x2"]) - float(row["x1"])
        assert np.linalg.norm(points(row) - points(smaller[name]), axis=1).mean() < 0.06 * width, name
