"""Step one of the MegaFace protocol with the real detector, on photos laid out as MegaFace and as FaceScrub are."""

import csv
import json

import numpy as np
import pytest

from insightrec.megaface import align_facescrub, align_megaface
from insightrec.megaface.alignment_table import TABLE
from insightrec.megaface.facescrub_boxes import TABLES
from insightrec.recordio_tools.face_alignment import align_face, similarity, template
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.list_file import read_list

FACE_CORNERS = np.array([(16, 36), (80, 36), (16, 108), (80, 108)])  # of a crop of 112x96
HEADER = "name\timage_id\tface_id\turl\tbbox\tsha256\n"


@pytest.fixture(scope="module")
def detections(data):
    """Photo's path, box (4,) and landmarks (5, 2) of its best face, as InsightFace found them."""
    found = json.loads((data / "mtcnn" / "insightface_detections.json").read_text())["det1-3"]
    return {
        name: (
            data / "mtcnn" / "photos" / name,
            np.array(faces["boxes_xyxy_score"][0][:4]),
            np.array(faces["points_xy"][0]),
        )
        for name, faces in found.items()
    }


def describe(box, landmarks, parts):
    content = {
        "bounding_box": dict(zip(("x", "y", "width", "height"), [*box[:2], *(box[2:] - box[:2] + 1)])),
        "landmarks": {name: dict(zip("xy", landmarks[place])) for name, place in (("1", 0), ("0", 1), ("2", 2))},
    }
    return json.dumps({part: content[part] for part in parts})


def rows_of(output):
    """{path: (how, landmarks (5, 2))} of the table."""
    with open(output / TABLE, newline="") as file:
        return {
            row["path"]: (
                row["how"],
                np.array([[row[f"l{axis}{point}"] or "nan" for axis in "xy"] for point in range(1, 6)], float),
            )
            for row in csv.DictReader(file)
        }


def off(landmarks, expected):
    """Mean distance of landmarks from where they are expected, in distances of the eyes from the mouth."""
    eyes_to_mouth = np.linalg.norm(expected[:2].mean(axis=0) - expected[3:].mean(axis=0))
    return np.linalg.norm(landmarks - expected, axis=1).mean() / eyes_to_mouth


@pytest.fixture(scope="module")
def megaface(data, detections, tmp_path_factory):
    """Folders of photos and of crops: every photo for three users, with box and landmarks, box, or neither."""
    folder = tmp_path_factory.mktemp("megaface")
    for number, (path, box, landmarks) in enumerate(detections.values()):
        for user, parts in enumerate([("bounding_box", "landmarks"), ("bounding_box",), ()]):
            target = folder / f"in/{number:03}/{user}@N00/{path.stem}.jpg"
            target.parent.mkdir(parents=True)
            target.write_bytes(encode_rgb(read_image(path)[1]))
            target.with_name(f"{target.name}.json").write_text(describe(box, landmarks, parts))
    folders = ["--input-dir", str(folder / "in"), "--output-dir", str(folder / "out")]
    align_megaface.main([*folders, "--mtcnn", str(data / "mtcnn"), "--processes", "2"])
    return folder / "in", folder / "out"


def test_every_photo_of_megaface(megaface, detections):
    _, output = megaface
    rows = rows_of(output)
    assert [row.path for row in read_list(output / "lst").rows] == list(rows)
    assert [row.label for row in read_list(output / "lst").rows] == list(range(3 * len(detections)))
    for number, (path, _, landmarks) in enumerate(detections.values()):
        (how, given), (boxed, found), (cropped, none) = (
            rows[f"{number:03}/{user}@N00/{path.stem}.jpg"] for user in range(3)
        )
        assert (how, boxed in ("detected", "forced"), cropped) == ("landmarks", True, "photo-crop")
        assert off(given, landmarks) < 0.12, path.name
        assert off(found, landmarks) < 0.12, path.name
        assert np.isnan(none).all()


def test_a_crop_is_one_warp_of_the_photo_by_the_landmarks_of_the_table(megaface):
    photos, output = megaface
    for path, (how, landmarks) in rows_of(output).items():
        if how != "photo-crop":
            crop = align_face(read_image(photos / path)[1], landmarks)
            assert (output / path).read_bytes() == encode_rgb(crop), path


@pytest.fixture(scope="module")
def crops(data):
    """{(person, number): a face of the record set, 112x112, as it lies on the 112x96 template}."""
    paths = sorted((data / "records" / "lfw60" / "aligned").glob("*/*_000[1-3].jpg"))[:12]
    return {(path.parent.name.replace("_", " "), int(path.stem[-4:])): read_image(path)[1] for path in paths}


@pytest.mark.parametrize(("size", "hows"), [((250, 300), {"detected"}), ((1000, 900), {"forced"})])
def test_faces_of_facescrub_come_back_to_the_template(data, crops, tmp_path, size, hows):
    """Crops on a gray canvas: large in it, they are detected; small, only their box leads to them."""
    folder, (x, y) = tmp_path / "in", (40, 70)
    lines = []
    for (person, number), crop in crops.items():
        path = folder / f"facescrub/{person}/{person}_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo = np.full((*size, 3), 128, np.uint8)
        photo[y : y + 112, x : x + 112] = crop
        path.write_bytes(encode_rgb(photo, ".png"))
        lines.append(f"{person}\t1\t{number}\tu\t{x + 12},{y + 12},{x + 83},{y + 107}\th\n")
    for name, table in zip(TABLES, (lines[:5], lines[5:])):
        (folder / name).write_text(HEADER + "".join(table))
    listed = [f"{person}/{person}_{number}.jpg" for person, number in crops]
    (folder / align_facescrub.LIST).write_text(json.dumps({"path": listed}))
    output = tmp_path / "out"
    folders = ["--input-dir", str(folder), "--output-dir", str(output)]
    align_facescrub.main([*folders, "--mtcnn", str(data / "mtcnn"), "--processes", "1"])
    assert {how for how, _ in rows_of(output).values()} == hows
    rows, moved = rows_of(output), []
    for person, number in crops:
        name = person.replace(" ", "_")
        _, landmarks = rows[f"{name}/{name}_{number}.png"]
        matrix = similarity(landmarks - (x, y), template((112, 96)))  # the face lies there already: hardly moves it
        moved.append(np.abs(FACE_CORNERS @ matrix[:, :2].T + matrix[:, 2] - FACE_CORNERS).max())
        assert read_image(output / f"{name}/{name}_{number}.png")[1].shape == (112, 112, 3)
    assert np.sort(moved)[-2] < 4  # pixels; one of these crops is not well aligned
