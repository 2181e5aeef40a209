"""The JSON file beside a photo, whole and damaged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.megaface_landmarks import read_guide

BOX = {"x": 10, "y": 20.5, "width": 100, "height": 90}
LANDMARKS = {"0": {"x": 80, "y": 50}, "1": {"x": 40, "y": 51}, "2": {"x": 61.5, "y": 70}}


@pytest.fixture
def guide_of(tmp_path):
    def read(content):
        path = tmp_path / "1.jpg.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_guide(path)

    return read


def test_points_are_left_eye_right_eye_nose_and_the_box_has_its_last_pixels(guide_of):
    guide = guide_of({"bounding_box": BOX, "landmarks": LANDMARKS, "full_img_url": "http://a"})
    assert guide.box.tolist() == [10, 20.5, 109, 109.5]
    assert guide.landmarks.tolist() == [[40, 51], [80, 50], [61.5, 70]]
    assert guide.fault == ""


@pytest.mark.parametrize("content", [{}, {"bounding_box": None, "landmarks": {}}])
def test_either_may_be_absent(guide_of, content):
    assert guide_of(content) == (None, None, "")
    assert guide_of({**content, "bounding_box": BOX}).box is not None
    assert guide_of({**content, "landmarks": LANDMARKS}).landmarks is not None


@pytest.mark.parametrize(
    "box",
    [
        [10, 20, 100, 90],
        "box",
        7,
        {"x": 1},
        {**BOX, "width": 0},
        {**BOX, "x": "10"},
        {**BOX, "x": True},
        {**BOX, "y": None},
        {**BOX, "height": -5},
        {**BOX, "x": float("nan")},
        {**BOX, "x": 10**400},
        {**BOX, "x": 1e300},
    ],
)
def test_a_damaged_box_leaves_the_landmarks(guide_of, box):
    guide = guide_of({"bounding_box": box, "landmarks": LANDMARKS})
    assert guide.box is None
    assert guide.landmarks.shape == (3, 2)
    assert "1.jpg.json: expected numbers of pixels in bounding_box, found " in guide.fault


@pytest.mark.parametrize(
    "points", [{"0": {"x": 1, "y": 2}}, {**LANDMARKS, "1": {"x": 3}}, {**LANDMARKS, "2": [1, 2]}, [[1, 2]] * 3, "x"]
)
def test_damaged_landmarks_leave_the_box(guide_of, points):
    guide = guide_of({"bounding_box": BOX, "landmarks": points})
    assert guide.landmarks is None
    assert guide.box.shape == (4,)
    assert "expected numbers of pixels in landmarks, found " in guide.fault


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe\x00", b"[" * 5000, b"0" * (1 << 21)])
def test_no_json_object(guide_of, content):
    guide = guide_of(content)
    assert guide[:2] == (None, None)
    assert "1.jpg.json: expected a JSON object, found none (" in guide.fault


def test_no_file(tmp_path):
    assert "expected the box and landmarks of the photo, found: No such file" in read_guide(tmp_path / "a.json").fault
    assert "found: Is a directory" in read_guide(tmp_path).fault


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "0", "1", "2"]), inner),
)


@given(content=st.fixed_dictionaries({"bounding_box": _VALUES, "landmarks": _VALUES}))
def test_any_values_are_a_guide_or_a_fault(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    guide = read_guide(path)
    for name, found in (("bounding_box", guide.box), ("landmarks", guide.landmarks)):
        assert (found is not None) or not content[name] or name in guide.fault
