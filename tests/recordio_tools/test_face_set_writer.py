import hashlib
import io
import struct

import pytest

from insightrec.recordio_tools.errors import OutputError, RecordError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.face_set_writer import FaceSetWriter, create_face_set
from insightrec.recordio_tools.identity_ranges import EXACT_FLOAT32
from insightrec.recordio_tools.list_file import read_list
from insightrec.recordio_tools.record_file import IndexedRecordFile
from insightrec.recordio_tools.record_label import unpack_label
from insightrec.recordio_tools.record_writer import RecordWriter


def test_layout_is_that_of_face2rec2(face_set):
    records = IndexedRecordFile(face_set([4, 4, 2, 4]) / "train.rec")
    assert records.index.keys.tolist() == [1, 2, 3, 4, 0, 5, 6, 7]
    found = {key: unpack_label(records.read(key), "x") for key in range(8)}
    assert [found[key][0].tolist() for key in range(8)] == [
        [5, 8],
        [4, 1],
        [4, 1],
        [2, 1],
        [4, 1],
        [1, 3],
        [3, 4],
        [4, 5],
    ]
    assert [struct.unpack_from("<Q", records.read(key), 8)[0] for key in range(8)] == list(range(8))  # ids
    assert [key for key in range(8) if not len(found[key][1])] == [0, 5, 6, 7]


def test_property_list_and_summary(tmp_path, faces):
    with create_face_set(tmp_path, num_classes=9, image_size=(112, 96)) as writer:
        writer.add(faces(1), 8, "eve/1.jpg")
    assert (tmp_path / "property").read_text() == "9,112,96\n"
    assert [(row.path, row.label) for row in read_list(tmp_path / "train.lst").rows] == [("eve/1.jpg", 8)]
    data = (tmp_path / "train.rec").read_bytes()
    assert writer.summary == (1, 1, len(data), hashlib.sha256(data).hexdigest())
    assert FaceRecordSet(tmp_path).record(0)[0] == 8.0  # scalar without an aligned flag


@pytest.mark.parametrize("label", [-1, 20180003])
def test_a_label_outside_the_classes_leaves_nothing_behind(tmp_path, faces, label):
    refused = pytest.raises(RecordError, match=rf"eve/1\.jpg: label {label} lies outside 0\.\.20180003, or float32")
    with refused, create_face_set(tmp_path, num_classes=20180004, image_size=(112, 112)) as writer:
        writer.add(faces(1), label, "eve/1.jpg")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_set_is_refused(tmp_path):
    refused = pytest.raises(RecordError, match="expected at least one image")
    with refused, create_face_set(tmp_path, num_classes=3, image_size=(112, 112)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_overwrite(face_set):
    folder = face_set([0, 1])
    old = (folder / "train.rec").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        face_set([0])
    assert (folder / "train.rec").read_bytes() == old
    face_set([0], overwrite=True)
    assert len(FaceRecordSet(folder)) == 1


@pytest.mark.parametrize("allowed", [False, True])
def test_a_range_that_float32_rounds(allowed):
    records = io.BytesIO()
    writer = FaceSetWriter(RecordWriter(records, io.BytesIO()), "big.rec", 2, None, allowed)
    writer._key = EXACT_FLOAT32  # as if that many images had been added
    writer.add(b"", 0, "a.jpg")
    if allowed:
        writer.add(b"", 1, "b.jpg")
        return
    with pytest.raises(RecordError, match=r"big\.rec: identity boundary 16777217 is above 2\^24"):
        writer.add(b"", 1, "b.jpg")
