import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.identity_exclusion import exclude_identities, read_exclusions
from insightrec.recordio_tools.list_file import ListRow

ROWS = [
    ListRow(True, f"{name}/{place}.jpg", label)
    for label, name in ((0, "ann"), (4, "bob"), (7, "cleo"))
    for place in "ab"
]


def folder(row):
    return row.path.split("/")[0]


def test_names_are_in_the_last_column(tmp_path):
    path = tmp_path / "overlap.txt"
    path.write_bytes(b"# similarity\tcounterpart\tidentity\r\n0.51\tAdam_Brody\tbob\r\n\ncleo\nbob\nJos\xe9\n")
    assert read_exclusions(path) == ["bob", "cleo", "Jos\udce9"]


@pytest.mark.parametrize("content", [None, b"", b"# only a comment\n\n"])
def test_a_list_without_names(tmp_path, content):
    path = tmp_path / "overlap.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ListError, match="overlap.txt: expected"):
        read_exclusions(path)


def test_the_rest_is_numbered_anew():
    kept = exclude_identities(ROWS, ["bob"], folder, "list")
    assert [(row.path, row.label) for row in kept] == [
        ("ann/a.jpg", 0),
        ("ann/b.jpg", 0),
        ("cleo/a.jpg", 1),
        ("cleo/b.jpg", 1),
    ]


def test_names_of_another_set():
    with pytest.raises(ListError, match="list: .*, found 2 of 3 that it does not have, the first 'dora'; "):
        exclude_identities(ROWS, ["bob", "dora", "eve"], folder, "list")


def test_nothing_left():
    with pytest.raises(ListError, match="nothing would be left"):
        exclude_identities(ROWS, ["ann", "bob", "cleo"], folder, "list")
