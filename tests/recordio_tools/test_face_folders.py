import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders


def test_identities_and_images_in_sorted_order(face_tree):
    (face_tree / "bob" / "notes.txt").write_text("no image")
    (face_tree / "bob" / "B.PNG").write_bytes(b"")
    (face_tree / "a_empty").mkdir()
    (face_tree / "loose.jpg").write_bytes(b"")
    rows, empty = read_folders(face_tree)
    assert empty == ["a_empty"]
    assert [(row.path, row.label) for row in rows] == [
        ("ann/ann_0000.jpg", 0),
        ("ann/ann_0001.jpg", 0),
        ("bob/B.PNG", 1),
        ("bob/bob_0000.jpg", 1),
        ("bob/bob_0001.jpg", 1),
        ("bob/bob_0002.jpg", 1),
        ("cleo/cleo_0000.jpg", 2),
    ]
    assert all(row.aligned for row in rows)


def test_missing_and_empty(tmp_path):
    with pytest.raises(ListError, match="found no such folder"):
        read_folders(tmp_path / "absent")
    with pytest.raises(ListError, match="found 0 folders and no image"):
        read_folders(tmp_path)
