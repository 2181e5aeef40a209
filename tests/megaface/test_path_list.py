import pytest

from insightrec.megaface.path_list import read_path_list
from insightrec.megaface.template_list import TemplateList
from insightrec.recordio_tools.errors import ListError


@pytest.fixture
def read(tmp_path):
    def read(data, depth=None):
        (tmp_path / "some_lst").write_bytes(data)
        return read_path_list(tmp_path / "some_lst", depth)

    return read


def test_a_path_a_line(read):
    assert read(b"A_B/A_B_1.png\n\nC D/C D_2.png\r\n") == TemplateList(["A_B/A_B_1.png", "C D/C D_2.png"])
    assert read(b"\xef\xbb\xbfcaf\xe9.png\nb.png").paths == [b"caf\xe9.png".decode("utf-8", "surrogateescape"), "b.png"]


def test_lines_of_2018(read):
    assert read(b"1\t/data/fs/A_B/A_B_1.png\t0\n1\t../C/D.png\t1\t5\t6\n", 2).paths == ["A_B/A_B_1.png", "C/D.png"]


def test_the_end_of_a_path_that_counts(read):
    data = b"/images/375/37531198@N00/4_0.jpg\n375/37531198@N00/5_0.jpg\n"
    assert read(data, 3).paths == ["375/37531198@N00/4_0.jpg", "375/37531198@N00/5_0.jpg"]


def test_json_is_told_by_its_bracket(read):
    assert read(b'\xef\xbb\xbf\n {"path": ["x/a/1.jpg"], "id": ["a"]}', 2) == TemplateList(["x/a/1.jpg"], ["a"])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found an empty file"),
        (b"\n\r\n", "found an empty file"),
        (b"1\ta\t0\n0\tb\t1\n", r"line 2: expected 1 \(aligned\) in the first column, found '0'"),
        (b"1\t\t0\n", "line 1: expected a path"),
        (b"a\0b\n", "found UTF-16 or binary data; save it as UTF-8"),
        ("\u3042".encode("utf-16"), "found UTF-16 or binary data"),
        (b"a\n/b\n", "path 1: expected a path below"),
        (b"a\n../b\n", "path 1: expected a path below"),
        (b"{a\n", "expected a JSON list"),
    ],
)
def test_what_is_wrong_is_named(read, data, found):
    with pytest.raises(ListError, match=rf"some_lst: .*{found}"):
        read(data)


def test_no_such_list(tmp_path):
    with pytest.raises(ListError, match="some_lst: expected a list, found: No such file"):
        read_path_list(tmp_path / "some_lst")
