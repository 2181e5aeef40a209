import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.image_suffixes import PHOTO_SUFFIXES


def test_identities_and_images_in_sorted_order(face_tree):
    (face_tree / "bob" / "notes.txt").write_text("no image")
    (face_tree / "bob" / "B.PNG").write_bytes(b"")
    (face_tree / "a_empty").mkdir()
    (face_tree / "loose.jpg").write_bytes(b"")
    rows, empty, ignored = read_folders(face_tree)
    assert ignored == ["loose.jpg", "bob/notes.txt"]
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


def test_hidden_names_are_passed_over_and_other_files_named(face_tree):
    image = (face_tree / "cleo" / "cleo_0000.jpg").read_bytes()
    for name in (".cache/x.jpg", "bob/.thumbs/x.jpg", "bob/._bob_0000.jpg", "ann/deep/.x.jpg"):  # hidden
        (face_tree / name).parent.mkdir(exist_ok=True)
        (face_tree / name).write_bytes(image)
    for name in ("loose.jpg", "ann/notes.txt", "ann/deep/y.jpg", "ann/deep/x.jpg", "ann/deep/er/z.jpg"):
        (face_tree / name).parent.mkdir(exist_ok=True)
        (face_tree / name).write_bytes(image)
    rows, empty, ignored = read_folders(face_tree)
    assert (len(rows), empty) == (6, [])
    assert ignored == ["loose.jpg", "ann/notes.txt", "ann/deep/x.jpg", "ann/deep/y.jpg", "ann/deep/er/z.jpg"]


def test_photos_may_be_of_more_formats_than_records(face_tree):
    for name in ("bob/a.GIF", "bob/b.tiff"):
        (face_tree / name).write_bytes(b"")
    assert read_folders(face_tree).ignored == ["bob/a.GIF", "bob/b.tiff"]
    folders = read_folders(face_tree, PHOTO_SUFFIXES)
    assert [row.path for row in folders.rows if row.path.startswith("bob")][:2] == ["bob/a.GIF", "bob/b.tiff"]
    assert folders.ignored == []


def test_folders_that_link_to_one_another_end(face_tree):
    (face_tree / "bob" / "deep").mkdir()
    (face_tree / "bob" / "deep" / "round").symlink_to(face_tree / "bob")
    assert read_folders(face_tree).ignored == []


def test_links_in_a_circle_are_files_that_cannot_be_read(face_tree):
    (face_tree / "loop").symlink_to("loop")
    (face_tree / "ann" / "b.jpg").symlink_to("b.jpg")
    found = read_folders(face_tree)
    assert "ann/b.jpg" in [row.path for row in found.rows]
    assert found.ignored == ["loop"]


def test_photos_that_lie_in_no_folder_are_counted(face_tree, tmp_path):
    with pytest.raises(ListError, match="found 0 folders and no image in them, 2 elsewhere"):
        read_folders(face_tree / "ann")
