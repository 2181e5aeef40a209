import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders


def test_identities_and_images_in_sorted_order(face_tree):
    (face_tree / "bob" / "notes.txt").write_text("no image")
    (face_tree / "bob" / "B.PNG").write_bytes(b"")
    (face_tree / "a_empty").mkdir()
    (face_tree / "loose.jpg").write_bytes(b"")
    rows, empty, ignored = read_folders(face_tree)
    assert ignored == 2
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


def test_hidden_names_are_passed_over_and_other_files_counted(face_tree):
    image = (face_tree / "cleo" / "cleo_0000.jpg").read_bytes()
    for name in (".cache/x.jpg", "bob/.thumbs/x.jpg", "bob/._bob_0000.jpg", "ann/deep/.x.jpg"):  # hidden
        (face_tree / name).parent.mkdir(exist_ok=True)
        (face_tree / name).write_bytes(image)
    for name in ("loose.jpg", "ann/notes.txt", "ann/deep/x.jpg", "ann/deep/y.jpg"):
        (face_tree / name).write_bytes(image)
    rows, empty, ignored = read_folders(face_tree)
    assert (len(rows), empty, ignored) == (6, [], 4)
