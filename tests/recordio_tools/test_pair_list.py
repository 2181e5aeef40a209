import pytest

from insightrec.recordio_tools import pair_list
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import Line, find_image, inside_root, is_number, read_lines


def test_lines_keep_their_numbers(tmp_path):
    (tmp_path / "p.txt").write_bytes(b"\xef\xbb\xbffirst\r\n\r\n  third\t1 \n \nlast")
    assert read_lines(tmp_path / "p.txt") == [
        Line("first", f"{tmp_path / 'p.txt'}: line 1"),
        Line("third\t1", f"{tmp_path / 'p.txt'}: line 3"),
        Line("last", f"{tmp_path / 'p.txt'}: line 5"),
    ]


def test_unreadable_lists(tmp_path, monkeypatch):
    for data, reason in ((b"", "empty"), (b"\n \n", "empty"), (b"a\xff", "byte 1: expected UTF-8")):
        (tmp_path / "p.txt").write_bytes(data)
        with pytest.raises(ListError, match=reason):
            read_lines(tmp_path / "p.txt")
    with pytest.raises(ListError, match="no such file"):
        read_lines(tmp_path / "q.txt")
    with pytest.raises(ListError, match="no such file"):
        read_lines(tmp_path / "p.txt" / "q.txt")
    monkeypatch.setattr(pair_list, "MAX_LIST_BYTES", 10)
    (tmp_path / "p.txt").write_bytes(b"x" * 11)
    with pytest.raises(ListError, match="at most 10 bytes"):
        read_lines(tmp_path / "p.txt")


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "..", "", ".", "a\0b"])
def test_paths_out_of_the_root_are_refused(path):
    with pytest.raises(ListError, match="p: line 3: expected a path below the image folder"):
        inside_root(path, Line(path, "p: line 3"))


@pytest.mark.parametrize("path", ["a.jpg", "a/b..c.jpg", "a/...jpg", "./a.jpg"])
def test_paths_in_the_root_are_kept(path):
    assert inside_root(path, Line(path, "p: line 3")) == path


def test_images_are_found_with_another_ending(tmp_path):
    for name in ("a.jpg", "a.png", "b.png", "c.JPG", "d_5_f", "e.v2_5_f.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "f.jpg").mkdir()
    found = {
        name: find_image(tmp_path, name) for name in ("a.png", "b.jpg", "c.JPG", "d_5_f", "e.v2_5_f", "f.jpg", "g")
    }
    assert {name: file and file.name for name, file in found.items()} == {
        "a.png": "a.png",
        "b.jpg": "b.png",
        "c.JPG": "c.JPG",
        "d_5_f": "d_5_f",
        "e.v2_5_f": "e.v2_5_f.jpg",
        "f.jpg": None,
        "g": None,
    }


def test_numbers():
    assert all(map(is_number, ("0", "0012", "9999999")))
    assert not any(map(is_number, ("", "-1", "1.0", "\u0661", "\u00b2", "10000000", "1 2", "0x1")))
