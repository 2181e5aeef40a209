import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.template_list import TemplateList, read_template_list, write_template_list
from insightrec.recordio_tools.errors import ListError, OutputError


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        (tmp_path / "x.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_template_list(tmp_path / "x.json", **options)

    return read


def test_probes_distractors_and_keys_in_any_order(read):
    paths = ["Adam_Brody/Adam_Brody_245.png", "A B/A B_1.jpg"]
    assert read({"id": ["Adam_Brody", "A B"], "path": paths}) == TemplateList(paths, ["Adam_Brody", "A B"])
    assert read({"path": ["876/87667287@N00/4440872808_0.jpg"]}).ids is None
    # Challenge 2: distractors with an id and two levels; FG-NET: folders that are numbers.
    assert read({"path": ["1/a.jpg"], "id": ["1"], "more": 3}, ids_required=True).ids == ["1"]
    assert read(b"\xef\xbb\xbf" + b'{"path": ["caf\\u00e9.jpg"]}').paths == ["café.jpg"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "found none .*; check the path"),
        ("[1", "found none"),
        (b'{"path": ["\xff"]}', "found none"),
        ("[" * 100000, "found none"),
        ('{"path": ["a"], "path": ["b"]}', "a key stands in it twice"),
        (["a"], "expected a JSON object with a 'path' array"),
        ({"paths": ["a"]}, "expected a JSON object with a 'path' array"),
        ({"path": "a"}, "array 'path', found no array"),
        ({"path": []}, "array 'path', found none"),
        ({"path": ["a", 5]}, "path 1: expected a string, found 5"),
        ({"path": ["a", ""]}, 'path 1: expected a string, found ""'),
        ({"path": ["a\0b"]}, "path 0: expected a string"),
        ('{"path": ["\\ud800"]}', "path 0: expected a string"),
        ({"path": ["a", "/etc/passwd"]}, "path 1: expected a path below the image folder, found '/etc/passwd'"),
        ({"path": ["a/../../b"]}, "path 0: expected a path below"),
        ({"path": [".."]}, "path 0: expected a path below"),
        ({"path": ["a/"]}, "path 0: expected a path below"),
        ({"path": ["a", "b"], "id": ["x", 12]}, "id 1: expected a string, found 12"),
        ({"path": ["a", "b", "c"], "id": ["x", 1, 2]}, "found 1; ids must be strings, in quotes: 2 of 3 are not"),
        ({"path": ["a", "b"], "id": ["x"]}, "found 1 ids and 2 paths"),
        ({"path": ["a"], "id": []}, "array 'id', found none"),
    ],
)
def test_what_is_wrong_is_named(read, content, found):
    with pytest.raises(ListError, match=rf"x\.json: .*{found}") as raised:
        read(content)
    assert "\n" not in str(raised.value)


def test_ids_that_are_needed(read):
    with pytest.raises(ListError, match="expected an 'id' array"):
        read({"path": ["a"]}, ids_required=True)


def test_no_such_list(tmp_path):
    with pytest.raises(ListError, match=r"x\.json: expected a list, found: No such file"):
        read_template_list(tmp_path / "x.json")


def test_a_list_is_not_read_without_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("insightrec.megaface.template_list.MAX_LIST_BYTES", 10)
    (tmp_path / "x.json").write_text('{"path": ["a"]}')
    with pytest.raises(ListError, match="at most 10 bytes, found more"):
        read_template_list(tmp_path / "x.json")


def test_golden_text(tmp_path):
    path = tmp_path / "x.json"
    write_template_list(path, TemplateList(["a/1.jpg", "é"], ["b", "a"]))
    assert path.read_text() == (
        '{\n    "id": [\n        "b", \n        "a"\n    ], \n'
        '    "path": [\n        "a/1.jpg", \n        "\\u00e9"\n    ]\n}'
    )
    with pytest.raises(OutputError, match="exists already"):
        write_template_list(path, TemplateList(["a"]))
    write_template_list(path, TemplateList(["a"]), source="there", overwrite=True)
    assert json.loads(path.read_text()) == {"path": ["a"], "source": "there"}


NAMES = st.text('ab0_. "\\\té日\udc80', min_size=1).filter(lambda name: name.strip("."))  # \udc80: no UTF-8


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1))
def test_a_list_is_read_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "any.json"
    templates = TemplateList([f"{folder}/{name}" for folder, name in rows], [folder for folder, _ in rows])
    write_template_list(path, templates, overwrite=True)
    assert read_template_list(path) == templates
