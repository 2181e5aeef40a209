import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import ImageError, ListError, RecordError
from insightrec.recordio_tools.face_alignment import align_face
from insightrec.recordio_tools.face_packing import FaceCodec, check_rows, group_rows
from insightrec.recordio_tools.identity_ranges import EXACT_FLOAT32
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.list_file import ListRow

LANDMARKS = np.array([(40, 60), (80, 55), (62, 85), (45, 105), (82, 100)], float)


def rows_of(labels):
    return [ListRow(True, f"{place}.jpg", label, line=place + 1) for place, label in enumerate(labels)]


@given(st.lists(st.integers(0, 5), min_size=1))
def test_grouping_is_stable_and_by_first_appearance(labels):
    rows, runs, distinct = group_rows(rows_of(labels))
    order = list(dict.fromkeys(labels))
    assert rows == [row for label in order for row in rows_of(labels) if row.label == label]
    assert runs == 1 + sum(a != b for a, b in zip(labels, labels[1:]))
    assert distinct == len(order)


def test_labels_are_checked_before_the_work():
    with pytest.raises(ListError, match=r"x\.lst: line 2: label 7 of 1\.jpg lies outside 0\.\.6 \(2 such lines\)"):
        check_rows(rows_of([0, 7, -1]), 7, "x.lst", allow_rounded_ranges=False)


def test_rounded_ranges_are_found_before_the_work():
    rows = [ListRow(True, "a.jpg", 0)] * EXACT_FLOAT32 + [ListRow(True, "b.jpg", 1)]
    with pytest.raises(RecordError, match=r"x\.lst: identity boundary 16777217"):
        check_rows(rows, 2, "x.lst", allow_rounded_ranges=False)


def test_aligned_files_pass_through(tmp_path, faces):
    (tmp_path / "a.jpg").write_bytes(faces(1))
    assert FaceCodec(tmp_path, (112, 112)).read(ListRow(True, "a.jpg", 0)) == faces(1)
    with pytest.raises(ImageError, match=r"a\.jpg: expected 112x96 pixels .* found 112x112; align"):
        FaceCodec(tmp_path, (112, 96)).read(ListRow(True, "a.jpg", 0))


@pytest.mark.parametrize("size", [(112, 112), (112, 96)])
def test_rows_with_landmarks_are_warped(tmp_path, faces, size):
    (tmp_path / "photo.png").write_bytes(faces(2, (150, 140), ".png"))
    row = ListRow(False, "photo.png", 0, None, LANDMARKS)
    expected = align_face(decode_rgb(faces(2, (150, 140), ".png"), "x"), LANDMARKS, size)
    lossless = FaceCodec(tmp_path, size, ".png", 3).read(row)
    np.testing.assert_array_equal(decode_rgb(lossless, "x"), expected)
    jpeg = cv2.imencode(".jpg", expected[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()
    assert FaceCodec(tmp_path, size).read(row) == jpeg


def test_gray_faces_are_read_gray_and_hold_one_channel(tmp_path, faces):
    """As face2rec2 with --color 0: read gray, then warped; warped in color and then made gray the pixels differ."""
    (tmp_path / "photo.png").write_bytes(faces(2, (150, 140), ".png"))
    photo = cv2.imread(str(tmp_path / "photo.png"), cv2.IMREAD_GRAYSCALE)
    expected = cv2.imencode(".jpg", align_face(photo, LANDMARKS), (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()
    row = ListRow(False, "photo.png", 0, None, LANDMARKS)
    assert FaceCodec(tmp_path, (112, 112), gray=True).read(row) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ListRow(True, "absent.jpg", 0), r"absent\.jpg: cannot be read \(No such file"),
        (ListRow(False, "a.jpg", 0), r"a\.jpg: not aligned and without landmarks"),
        (ListRow(False, "a.jpg", 0, None, np.zeros((5, 2))), r"a\.jpg: expected five distinct landmarks"),
        (ListRow(True, "cut.jpg", 0), r"cut\.jpg: image is cut short"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, faces, row, message):
    (tmp_path / "a.jpg").write_bytes(faces(1))
    (tmp_path / "cut.jpg").write_bytes(faces(1)[:-40])
    with pytest.raises(ImageError, match=message):
        FaceCodec(tmp_path, (112, 112)).read(row)
