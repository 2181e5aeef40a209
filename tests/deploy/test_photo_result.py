import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.deploy.photo_result import BEGUN, PhotoResult, parse_begun, parse_result

STATUSES = {"aligned": ("faces", "score", "box", "landmarks", "crop"), "box-crop": ("box", "crop"), "failed": ()}
POINTS = [[0.1, -2.0], [3, 4], [5, 6], [7, 8], [9, 1e-17]]
ALIGNED = PhotoResult(
    b"ann/caf\xe9\n.jpg".decode("utf-8", "surrogateescape"),
    [10, 1_700_000_000_123_456_789],
    "aligned",
    height=250,
    width=200,
    faces=2,
    score=1 / 3,
    box=[0.1, -3.0, 99.7, 40],
    landmarks=POINTS,
    crop="ann/x.jpg",
    crop_bytes=4000,
)
CUT = PhotoResult("a.jpg", [None, [1.5, 2]], "box-crop", box=[0, 0, 9, 9], crop="a.jpg", crop_bytes=7, fault="no box")
FAILED = PhotoResult("a.jpg", None, "failed", "cut short", fault="in/a.jpg: cut short")
DAMAGED = (ValueError, TypeError, LookupError)


def parse(result):
    return parse_result(json.loads(json.dumps(result)), STATUSES)


@pytest.mark.parametrize("result", [ALIGNED, CUT, FAILED, FAILED._replace(height=3, width=4)])
def test_what_a_run_writes_comes_back(result):
    assert parse(result) == result


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("photo", value) for value in (None, 7, "\ud800")),
        *(("stamp", value) for value in (7, "now", {})),
        *(("status", value) for value in ("done", "begun", None, [])),
        *(("reason", value) for value in (None, ["no"], "\ud800")),
        *(("height", value) for value in (1.5, "250", True, [1])),
        *(("faces", value) for value in (None, 2.0, "2")),
        *(("score", value) for value in (None, "0.9", True, float("nan"), float("inf"), 10**400, [0.9])),
        *(("box", value) for value in (None, 7, [1, 2, 3], [1, 2, 3, None], [1, 2, 3, "4"], [1, 2, 3, 1e300])),
        ("box", "1234"),
        *(("landmarks", value) for value in (None, 7, POINTS[:4], [1] * 5, [[1, 2, 3]] * 5, [[1, None]] * 5)),
        *(("crop", value) for value in ("", None, 7, "/etc/x.jpg", "../x.jpg", "ann/../../x.jpg", "a\0b", "ann/")),
        *(("crop_bytes", value) for value in ("9", None, 0.5)),
        *(("fault", value) for value in (None, 1)),
    ],
)
def test_damage_of_one_field_is_noticed(field, value):
    with pytest.raises(DAMAGED):
        parse(ALIGNED._replace(**{field: value}))


@pytest.mark.parametrize(
    ("result", "known"),
    [
        (CUT, {"landmarks": POINTS}),
        (CUT, {"score": 0.5}),
        (CUT, {"crop": ""}),
        (FAILED, {"crop": "a.jpg"}),
        (FAILED, {"box": [1, 2, 3, 4]}),
    ],
)
def test_what_does_not_go_with_the_status_is_noticed(result, known):
    with pytest.raises(ValueError, match=r"^$"):
        parse(result._replace(**known))


@pytest.mark.parametrize("values", [None, 7, "abc", [], ["a.jpg"], {}, [*ALIGNED, 1]])
def test_what_is_no_result(values):
    with pytest.raises(DAMAGED):
        parse_result(values, STATUSES)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda values: st.lists(values, max_size=5) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    max_leaves=12,
)


@given(position=st.integers(0, len(ALIGNED) - 1), value=_JSON)
def test_any_damage_is_refused_or_has_the_right_types(position, value):
    values = [*ALIGNED]
    values[position] = value
    try:
        result = parse_result(json.loads(json.dumps(values)), STATUSES)
    except DAMAGED:
        return
    assert f"{result.score:.3f} {result.faces > 1} {result.photo} {result.reason} {result.fault}"
    assert [float(side) for side in (*result.box, *itertools.chain(*result.landmarks))]
    assert result.crop


def test_a_photo_that_was_begun():
    assert parse_begun(["a.jpg", "x/a.png"]) == PhotoResult("a.jpg", None, BEGUN, crop="x/a.png")
    for values in (["a.jpg", "../a.png"], ["a.jpg", 7], [None, "a.png"], ["a.jpg", ""], ["a.jpg"]):
        with pytest.raises(DAMAGED):
            parse_begun(values)
