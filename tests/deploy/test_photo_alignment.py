import json
from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.deploy import photo_alignment
from insightrec.deploy.face_aligner import AlignedFace
from insightrec.deploy.mtcnn_weights import MtcnnNetworks
from insightrec.deploy.photo_alignment import STATUSES, AlignmentSettings, PhotoAlignment, PhotoJob
from insightrec.deploy.photo_result import parse_result
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.file_stamp import file_stamp
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_file import read_image

CROP = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
BOX, POINTS = np.array([1.5, 2, 30, 40]), np.arange(10.0).reshape(5, 2)
JOB = PhotoJob("ann/a.jpg", "ann/a.png")


class Aligner:
    def __init__(self, face):
        self.face = face

    def align(self, image):
        if isinstance(self.face, Exception):
            raise self.face
        return self.face


@pytest.fixture
def align(tmp_path):
    """Function (what is found, job) -> what became of ``photos/ann/a.jpg``, of 60 x 80 pixels."""
    (tmp_path / "photos" / "ann").mkdir(parents=True)
    (tmp_path / "photos" / "ann" / "a.jpg").write_bytes(encode_rgb(np.zeros((60, 80, 3), np.uint8)))

    def align(face, job=JOB, **options):
        folders, settings = (tmp_path / "photos", tmp_path / "crops"), AlignmentSettings(**options)
        result = PhotoAlignment(*folders, settings, Aligner(face)).align(job)
        assert parse_result(json.loads(json.dumps(result)), STATUSES) == result  # what a journal holds can be read
        return result

    return align


def test_a_crop_is_written_and_told_of(align, tmp_path):
    result = align(AlignedFace(CROP, BOX, POINTS, 0.75, 3, "detected"), encoding=".png", quality=9)
    data, pixels = read_image(tmp_path / "crops" / "ann" / "a.png")
    np.testing.assert_array_equal(pixels, CROP)
    assert result == (
        *("ann/a.jpg", file_stamp(tmp_path / "photos" / "ann" / "a.jpg"), "aligned", "", 60, 80, 3, 0.75),
        *(BOX.tolist(), POINTS.tolist(), "ann/a.png", len(data), ""),
    )


def test_a_crop_has_the_bytes_of_face2rec(align, tmp_path):
    align(AlignedFace(CROP, BOX, POINTS, 0.75, 3, "detected"))
    assert (tmp_path / "crops" / "ann" / "a.png").read_bytes() == encode_rgb(CROP)


def test_a_centre_crop(align):
    result = align(AlignedFace(CROP, BOX, POINTS, float("nan"), 0, "center-crop"))
    assert (result.status, result.reason, result.faces, result.score) == ("center-crop", "no face found", 0, None)
    assert result.crop == "ann/a.png"
    result = align(AlignedFace(CROP, BOX, POINTS, float("nan"), 2, "center-crop"))
    assert (result.reason, result.faces, result.fault) == ("none of 2 faces has landmarks to align it by", 2, "")


def test_no_face(align, tmp_path):
    result = align(None)
    assert (result.status, result.reason, result.height, result.width) == ("no-face", "no face found", 60, 80)
    assert (result.faces, result.box, result.crop, result.crop_bytes) == (0, None, "", 0)
    assert not (tmp_path / "crops").exists()


def test_a_photo_that_cannot_be_used(align, tmp_path):
    assert align(ImageError("expected five distinct landmarks"))[2:6] == (
        *("failed", "expected five distinct landmarks", 60, 80),
    )
    path = tmp_path / "photos" / "ann" / "a.jpg"
    assert align(ImageError("expected a face")).fault == f"{path}: expected a face"
    assert align(ImageError(f"{path}: cut")).fault == f"{path}: cut"
    gone = align(None, PhotoJob("ann/gone.jpg", "ann/gone.jpg"))
    assert (gone.status, gone.stamp) == ("failed", None)
    assert gone.reason.startswith("cannot be read (No such file")
    tab = align(None, PhotoJob("ann/a\tb.jpg", "ann/a\tb.jpg"))
    assert (tab.status, tab.height) == ("failed", None)
    assert "a path with a tab or line break cannot stand in an image list" in tab.reason
    (tmp_path / "photos" / "ann" / "a.jpg").write_bytes(b"abc")
    assert align(None).reason == "expected an image, found 3 bytes beginning 61 62 63; replace or remove this image"


def test_a_full_disk_is_no_fault_of_the_photo(align, tmp_path):
    (tmp_path / "crops").write_bytes(b"")
    with pytest.raises(OSError):  # noqa: PT011 (which one depends on the system)
        align(AlignedFace(CROP, BOX, POINTS, 0.75, 3, "detected"))


def test_what_a_run_that_goes_on_has_to_share(tmp_path):
    settings = AlignmentSettings(min_face=30)
    alignment = PhotoAlignment(tmp_path / "a" / ".." / "photos", tmp_path, settings, Aligner(None))
    assert alignment.settings["input"] == str((tmp_path / "photos").resolve())
    assert alignment.settings["min_face"] == 30
    assert set(alignment.settings) == {"input", *AlignmentSettings._fields}
    assert alignment.stamp(JOB) is None


def test_other_weights_under_the_same_name_are_other_settings(tmp_path, monkeypatch):
    def found(*contents):
        networks = []
        for stage, content in zip(("det1", "det2", "det3", "det4"), contents):
            path = tmp_path / f"{stage}-0001.params"
            path.write_bytes(content)
            networks.append(SimpleNamespace(source=str(path)))
        networks = MtcnnNetworks(*networks)
        monkeypatch.setattr(photo_alignment, "load_networks", lambda folder: networks)
        return PhotoAlignment(tmp_path, tmp_path, AlignmentSettings(mtcnn="weights")).settings["mtcnn"]

    sha = "det1:ca978112,det2:3e23e816,det3:2e7d2c03"  # of a, b and c
    assert found(b"a", b"b", b"c") == sha
    assert found(b"a", b"b", b"c", b"d") == f"{sha},det4:18ac3e73"
    assert found(b"a", b"a", b"c") == sha.replace("3e23e816", "ca978112")
