import shutil

import numpy as np
import pytest

from insightrec.recordio_tools import face2rec, rec2image
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.record_file import IndexedRecordFile


def test_lfw60_reads(data):
    faces = FaceRecordSet(data / "records" / "lfw60")
    assert (len(faces), faces.num_identities, faces.num_classes, faces.image_size) == (692, 60, 60, (112, 112))
    listed = [line.split("\t") for line in (faces.path.with_suffix(".lst")).read_text().splitlines()]
    assert faces.labels().tolist() == [int(label) for _, _, label in listed]
    for position, (_, path, _) in enumerate(listed):
        assert bytes(faces.record(position)[1]) == (faces.path.parent / path).read_bytes()


def test_face2rec_gives_lfw60_byte_for_byte(data, tmp_path, monkeypatch):
    source = data / "records" / "lfw60"
    for name in ("train.lst", "property"):
        shutil.copy(source / name, tmp_path)
    monkeypatch.chdir(source)  # the list's paths are relative to the set
    face2rec.main([str(tmp_path)])
    for name in ("train.rec", "train.idx"):
        assert (tmp_path / name).read_bytes() == (source / name).read_bytes()


@pytest.mark.mxnet
def test_mxnet_reads_lfw60_after_back_and_forth(data, tmp_path, mx):
    source = data / "records" / "lfw60"
    rec2image.main([str(source), str(tmp_path / "images")])
    face2rec.main(["--root", str(tmp_path / "images"), "--output", str(tmp_path / "set")])
    sets = [
        mx.recordio.MXIndexedRecordIO(str(folder / "train.idx"), str(folder / "train.rec"), "r")
        for folder in (source, tmp_path / "set")
    ]
    assert set(sets[0].keys) == set(sets[1].keys)
    for key in sets[0].keys:
        (header, image), (again, image_again) = (mx.recordio.unpack(records.read_idx(key)) for records in sets)
        assert image == image_again
        np.testing.assert_array_equal(header.label, again.label)


def test_flat8_reads(data):
    faces = FaceRecordSet(data / "records" / "flat8")
    listed = [line.split("\t") for line in (data / "records" / "flat8" / "train.lst").read_text().splitlines()]
    assert not faces.is_indexed
    assert [(faces.key(place), faces.label(place)) for place in range(8)] == [(int(k), int(c)) for k, c, _ in listed]
    assert all(image.shape == (112, 112, 3) for image, _ in faces)


@pytest.mark.mxnet
@pytest.mark.parametrize("name", ["lfw60", "flat8"])
def test_pixels_are_those_of_mxnet(data, mx, name):
    faces = FaceRecordSet(data / "records" / name)
    records = IndexedRecordFile(faces.path)
    for position in range(0, len(faces), 23):
        image, label = faces[position]
        header, pixels = mx.recordio.unpack_img(bytes(records.read(faces.key(position))))
        assert np.ravel(header.label)[0] == label
        np.testing.assert_array_equal(image, pixels[..., ::-1])
