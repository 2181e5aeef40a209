"""One photo: its crop, its result and its faults, with a stand-in for the detector."""

import json

import numpy as np
import pytest
from PIL import Image
from stand_ins.bright_faces import BOX, LANDMARKS, BrightFaces, write_photo

from insightrec.deploy.photo_result import parse_result
from insightrec.megaface.face_guide import FaceGuide
from insightrec.megaface.guided_alignment import GuidedAligner
from insightrec.megaface.photo_aligner import STATUSES, PhotoAligner
from insightrec.megaface.protocol_photo import ProtocolPhoto
from insightrec.recordio_tools.face_alignment import align_face
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_file import read_image


@pytest.fixture
def align(tmp_path):
    aligner = PhotoAligner(GuidedAligner(lambda min_size: BrightFaces()), tmp_path / "out", {})

    def align(photo):
        result = aligner.align(photo)
        assert parse_result(json.loads(json.dumps(result)), STATUSES) == result  # what a journal holds can be read
        assert result.stamp == aligner.stamp(photo)
        return result

    return align


def photo_of(path, target="p/1.jpg", guide=None):
    return ProtocolPhoto(str(path), target, 3, guide)


def test_a_crop_is_written_as_its_name_says(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    for target, head in (("p/1.png", b"\x89PNG"), ("q/1.JPG", b"\xff\xd8"), ("p/2.PNG", b"\x89PNG")):
        row = align(photo_of(path, target, FaceGuide(BOX)))
        assert (row.photo, row.crop, row.status) == (target, target, "detected")
        data, crop = read_image(tmp_path / "out" / target)
        assert (data[: len(head)], crop.shape, row.fault) == (head, (112, 112, 3), "")
        assert (row.score, row.box, row.landmarks) == (0.9, BOX.tolist(), LANDMARKS.tolist())
        assert row.crop_bytes == len(data)


def test_what_the_file_beside_the_photo_says_is_used(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    box = {"x": 20, "y": 10, "width": 60, "height": 60}
    (tmp_path / "1.jpg.json").write_text(json.dumps({"bounding_box": box}))
    assert align(photo_of(path)).status == "detected"
    (tmp_path / "1.jpg.json").write_text(json.dumps({"bounding_box": {**box, "x": 500}, "landmarks": 3}))
    row = align(photo_of(path))
    assert row.status == "photo-crop"
    assert row.fault.startswith(
        f"{path}.json: expected numbers of pixels in landmarks, found 3; {path}: expected a box"
    )
    (tmp_path / "1.jpg.json").unlink()
    row = align(photo_of(path))
    assert (row.status, row.fault.partition(": ")[0]) == ("photo-crop", f"{path}.json")
    assert (tmp_path / "out/p/1.jpg").is_file()


def test_a_photo_that_cannot_be_read_has_no_crop(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    path.write_bytes(path.read_bytes()[:500])
    row = align(photo_of(path, guide=FaceGuide()))
    assert (row.status, row.score, row.box, row.landmarks, row.crop) == ("failed", None, None, None, "")
    assert row.fault.startswith(f"{path}: image is cut short")
    assert not (tmp_path / "out/p/1.jpg").exists()
    assert "No such file" in align(photo_of(tmp_path / "none.jpg", guide=FaceGuide())).fault


def test_a_crop_without_a_face_has_a_box_and_no_landmarks(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 20)
    row = align(photo_of(path, guide=FaceGuide(BOX)))
    assert (row.status, row.score, row.landmarks, len(row.box)) == ("box-crop", None, None, 4)


def test_a_photo_that_opencv_cannot_warp_is_a_fault(align, tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(encode_rgb(np.zeros((2, 40_000, 3), np.uint8), ".png"))
    row = align(photo_of(path, guide=FaceGuide(BOX)))
    assert row.fault == f"{path}: expected an image of at most 32766 pixels a side, found 2x40000; shrink it"
    assert (row.status, row.height, row.width) == ("failed", 2, 40_000)


def test_a_photo_with_an_orientation_is_taken_as_it_is_stored(align, tmp_path):
    """Its box and landmarks were made by tools that did not turn photos."""
    path = write_photo(tmp_path / "1.jpg", 150)
    plain = read_image(path)[1]
    turned = Image.Exif()
    turned[0x0112] = 6
    with Image.open(path) as image:
        image.save(path, exif=turned, quality=95, subsampling=0)
    assert read_image(path)[1].shape == (100, 90, 3)
    row = align(photo_of(path, "p/1.png", FaceGuide(BOX)))
    assert (row.status, row.height, row.width) == ("detected", 90, 100)
    crop = read_image(tmp_path / "out/p/1.png")[1]
    assert np.abs(crop.astype(int) - align_face(plain, LANDMARKS)).mean() < 8


def test_the_stamp_changes_with_the_photo_and_with_what_is_said_of_its_face(tmp_path):
    aligner = PhotoAligner(None, tmp_path, {})
    path = write_photo(tmp_path / "1.jpg", 150)
    beside, given = photo_of(path), photo_of(path, guide=FaceGuide(BOX))
    stamps = [aligner.stamp(beside), aligner.stamp(given)]
    (tmp_path / "1.jpg.json").write_text("{}")
    stamps += [aligner.stamp(beside), aligner.stamp(given._replace(guide=FaceGuide(BOX, LANDMARKS[:3])))]
    stamps += [
        aligner.stamp(given._replace(guide=FaceGuide(BOX + 1))),
        aligner.stamp(given._replace(guide=FaceGuide())),
    ]
    assert aligner.stamp(given) == stamps[1]
    write_photo(path, 20)
    stamps += [aligner.stamp(beside), aligner.stamp(given)]
    assert all(stamps.count(stamp) == 1 for stamp in stamps)
    assert json.loads(json.dumps(stamps)) == stamps
