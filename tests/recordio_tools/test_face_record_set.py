import pickle

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ImageError, RecordError
from insightrec.recordio_tools.face_record_set import FaceRecordSet, RecordSetWarning, class_of
from insightrec.recordio_tools.identity_ranges import EXACT_FLOAT32
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.record_index import RecordIndex
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import create_record_file

LABELS = [0, 0, 1, 1, 1, 2]


def write_records(path, records):
    with create_record_file(path) as writer:
        for key, label, image in records:
            writer.write(key, pack_label(label, image, id=key))
    return path


@pytest.mark.parametrize("pair", [True, False])
def test_indexed_set(tmp_path, faces, pair):
    images = [(key, (label, 1) if pair else label, faces(key)) for key, label in enumerate(LABELS, 1)]
    identities = [(7, (1, 3), b""), (8, (3, 6), b""), (9, (6, 7), b"")]
    path = write_records(tmp_path / "train.rec", [*images, *identities, (0, (7, 10), b"")])
    found = FaceRecordSet(tmp_path)
    assert found.path == path
    assert found.is_indexed
    assert len(found) == 6
    assert found.num_identities == 3
    assert [list(found.identity_images(identity)) for identity in range(3)] == [[0, 1], [2, 3, 4], [5]]
    assert found.labels().tolist() == LABELS
    assert [label for _, label in found] == LABELS
    np.testing.assert_array_equal(found[4][0], decode_rgb(faces(5), "x"))
    assert bytes(found.record(4)[1]) == faces(5)
    assert (found.num_classes, found.image_size) == (None, None)
    assert pickle.loads(pickle.dumps(found)).labels().tolist() == LABELS


def test_property_gives_classes_and_size(face_set):
    found = FaceRecordSet(face_set([0, 1, 1], image_size=(112, 112), num_classes=5) / "train.rec")
    assert (found.num_classes, found.image_size, len(found)) == (5, (112, 112), 3)


@pytest.mark.parametrize("first_label", [3, (3, 1)])
def test_flat_set_is_not_taken_for_an_indexed_one(tmp_path, faces, first_label):
    """A flat set's image 0 may carry a label of two values, as a header does."""
    write_records(tmp_path / "flat.rec", [(0, first_label, faces(0)), (5, 4, faces(1)), (2, 3, faces(2))])
    found = FaceRecordSet(tmp_path)
    assert not found.is_indexed
    assert [found.key(position) for position in range(len(found))] == [0, 5, 2]
    assert found.labels().tolist() == [3, 4, 3]
    with pytest.raises(RecordError, match="expected an identity-indexed set, found a flat one .*face2rec"):
        found.identity_images(0)


@pytest.mark.mxnet
def test_suits_a_gluon_loader(face_set, mx):
    loader = mx.gluon.data.DataLoader(FaceRecordSet(face_set(LABELS)), batch_size=4, num_workers=2)
    batches = [(images.shape, labels.asnumpy().tolist()) for images, labels in loader]
    assert batches == [((4, 112, 112, 3), [0, 0, 1, 1]), ((2, 112, 112, 3), [1, 2])]


def test_a_damaged_image_is_named(tmp_path, faces):
    write_records(tmp_path / "x.rec", [(4, 0, faces(0)[:500]), (6, 0, b"")])
    found = FaceRecordSet(tmp_path)
    with pytest.raises(ImageError, match=r"x\.rec: record 4: image is cut short after 500 bytes"):
        found[0]
    with pytest.raises(ImageError, match=r"x\.rec: record 6: expected an image, found 0 bytes"):
        found[1]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ((9, 10), "promises images at keys 1 to 8, the .idx holds 3"),
        ((3, 9), "promises identities at keys 3 to 8, the .idx holds 1"),
        ((1, 2), "promises images at keys 1 to 0"),
        ((np.nan, 4), "expected a class as label"),
        ((np.inf, 4), "expected a class as label"),
    ],
)
def test_a_header_that_promises_what_is_absent(tmp_path, faces, header, message):
    write_records(tmp_path / "x.rec", [(1, 0, faces(1)), (2, 0, faces(2)), (3, (1, 3), b""), (0, header, b"")])
    with pytest.raises(RecordError, match=message):
        FaceRecordSet(tmp_path)


@pytest.mark.parametrize("label", [(1, 9), (0, 2), (3, 1), 5.0, (np.nan, 2)])
def test_an_identity_outside_the_images(tmp_path, faces, label):
    write_records(tmp_path / "x.rec", [(1, 0, faces(1)), (2, label, b""), (0, (2, 3), b"")])
    with pytest.raises(RecordError, match=r"expected an image range"):
        FaceRecordSet(tmp_path).identity_ranges  # noqa: B018


def test_odd_range_above_2_24_is_reported(tmp_path, faces, monkeypatch):
    """17 million keys that share a few records: the last identities begin at odd keys above 2^24."""
    first = EXACT_FLOAT32 - 1
    sizes = [first - 1, 4, 1, 1, 3]  # identities begin at 1, then 2^24-1, +3, +4, +5
    bounds = np.cumsum([1, *sizes]).tolist()
    images = bounds[-1] - 1
    header = (bounds[-1], bounds[-1] + len(sizes))
    records = [(label + 10**9, label, faces(label)) for label in range(len(sizes))]
    records += [(bounds[-1] + place, bounds[place : place + 2], b"") for place in range(len(sizes))]
    path = write_records(tmp_path / "train.rec", [*records, (0, header, b"")])
    written = RecordIndex.read(path.with_suffix(".idx"))
    offset = dict(zip(written.keys.tolist(), written.offsets.tolist()))
    offsets = np.empty(header[1], np.int64)
    offsets[0] = offset[0]
    for label, (begin, end) in enumerate(zip(bounds, bounds[1:])):
        offsets[begin:end] = offset[label + 10**9]
    offsets[images + 1 :] = [offset[key] for key in range(*header)]
    index = RecordIndex(np.arange(header[1]), offsets)
    monkeypatch.setattr(RecordIndex, "read", lambda path: index)

    found = FaceRecordSet(tmp_path)
    assert len(found) == images
    with pytest.warns(RecordSetWarning, match="above 2\\^24, .* were taken from the image labels"):
        ranges = found.identity_ranges
    assert ranges.tolist() == [[begin - 1, end - 1] for begin, end in zip(bounds, bounds[1:])]
    assert int(np.float32(bounds[2])) != bounds[2]  # what is stored would have been wrong


def test_which_file_a_path_means(tmp_path, face_set):
    folder = face_set([0, 1], stem="webface")
    assert FaceRecordSet(folder).path == FaceRecordSet(folder / "webface").path == folder / "webface.rec"
    face_set([0], stem="other", write_property=False)
    with pytest.raises(RecordError, match=r"expected train\.rec, found other\.rec, webface\.rec"):
        FaceRecordSet(folder)
    with pytest.raises(RecordError, match=r"expected train\.rec, found no \.rec file"):
        FaceRecordSet(tmp_path)


@pytest.mark.parametrize("label", [np.zeros(0, np.float32), float("nan"), np.array([np.inf], np.float32), 1e30])
def test_a_label_without_a_class(label):
    with pytest.raises(RecordError, match=r"^x\.rec: record 3: expected a class as label"):
        class_of(label, "x.rec: record 3")


def test_a_damaged_label_names_file_and_record(tmp_path, faces):
    write_records(tmp_path / "x.rec", [(4, 0, faces(0)), (6, np.nan, faces(1))])
    with pytest.raises(RecordError, match=r"x\.rec: record 6: expected a class as label, found nan"):
        FaceRecordSet(tmp_path).labels()


@pytest.mark.parametrize("end", [2.0**60, 2.0**100])
def test_a_huge_identity_range_is_refused_at_once(tmp_path, faces, end):
    write_records(tmp_path / "x.rec", [(1, 0, faces(1)), (2, (1, end), b""), (0, (2, 3), b"")])
    with pytest.raises(RecordError, match="expected an image range within keys 1 to 1"):
        FaceRecordSet(tmp_path).identity_ranges  # noqa: B018


def test_a_rounded_header_beside_a_gap_in_the_keys(tmp_path, faces):
    """Key 2^24 is there, the one before it is not: no identities can begin there."""
    start = EXACT_FLOAT32
    write_records(tmp_path / "x.rec", [(1, 0, faces(1)), (start, (1, 2), b""), (0, (start, start + 2), b"")])
    with pytest.raises(RecordError, match="promises images at keys 1 to 16777215, the .idx holds 1"):
        FaceRecordSet(tmp_path)
