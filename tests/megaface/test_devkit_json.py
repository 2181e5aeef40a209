import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.devkit_json import to_devkit_json


def text(value):
    return to_devkit_json(value).decode()


def test_golden_matches_file():
    matches = [
        {
            "probes": {"rank": [0, 12], "idx": [1, 2]},
            "distractors": {
                "score": [-1.133715271949768, -1.306821942329407, -1.318677186965942, -1.361672401428223],
                "idx": [407, 791, 44, 510],
            },
        },
        {"distractors": {"idx": [0], "score": [-0.25]}, "probes": None},
    ]
    assert text(matches) == (
        "\n[\n\t\n\t{\n"
        '\t\t"distractors" : \n\t\t{\n'
        '\t\t\t"idx" : [ 407, 791, 44, 510 ],\n'
        '\t\t\t"score" : \n\t\t\t[\n'
        "\t\t\t\t-1.133715271949768,\n\t\t\t\t-1.306821942329407,\n"
        "\t\t\t\t-1.318677186965942,\n\t\t\t\t-1.361672401428223\n"
        "\t\t\t]\n\t\t},\n"
        '\t\t"probes" : \n\t\t{\n\t\t\t"idx" : [ 1, 2 ],\n\t\t\t"rank" : [ 0, 12 ]\n\t\t}\n'
        "\t},\n\t\n\t{\n"
        '\t\t"distractors" : \n\t\t{\n\t\t\t"idx" : [ 0 ],\n\t\t\t"score" : [ -0.250 ]\n\t\t},\n'
        '\t\t"probes" : null\n'
        "\t}\n]\n"
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.25, "0.250"),
        (0.1, "0.10"),
        (0.9907572269439697, "0.9907572269439697"),
        (100000.0, "100000.0"),
        (1234567890123456.0, "1234567890123456."),
        (1e15, "1000000000000000."),
        (1e16, "1.000000000000000e+16"),
        (9.99999993922529e-09, "9.999999939225290e-09"),
        (8.300000445160549e-06, "8.300000445160549e-06"),
        (1e-10, "1.000000000000000e-10"),
        (0.0001, "0.00010"),
        (np.float32(0.1), "0.1000000014901161"),
        (7, "7"),
        (-7, "-7"),
        (np.int64(7), "7"),
        (None, "null"),
    ],
)
def test_numbers(number, expected):
    assert text([number]) == f"[ {expected} ]\n"


def test_where_an_array_breaks():
    assert text(list(range(10)) * 2) == f"[ {', '.join(map(str, list(range(10)) * 2))} ]\n"
    # 73 columns are one line, 74 are not.
    assert text([0] * 23) == f"[ {', '.join(['0'] * 23)} ]\n"
    assert text([0] * 24) == "\n[\n\t" + ",\n\t".join(["0"] * 24) + "\n]\n"
    assert text([10**33, 10**32]).startswith("[ 1")
    assert text([10**33, 10**33]).startswith("\n[\n\t1")
    assert text([[1], []]) == "\n[\n\t[ 1 ],\n\t[]\n]\n"
    assert text([[], {}]) == "[ [], {} ]\n"
    assert text([[0] * 25]) == "\n[\n\t\n\t[\n\t\t" + ",\n\t\t".join(["0"] * 25) + "\n\t]\n]\n"


def test_arrays_are_lists():
    values = np.arange(4, dtype=np.float32) / 3
    assert text({"a": values, "b": [values[0], values]}) == text({"a": values.tolist(), "b": [0.0, values.tolist()]})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float32("-inf")])
def test_numbers_that_json_has_not(number):
    with pytest.raises(ValueError, match="expected a finite number"):
        to_devkit_json({"a": [number]})


@pytest.mark.parametrize("value", ["text", True, b"", {1, 2}])
def test_other_types(value):
    with pytest.raises(TypeError, match="expected numbers, None, lists and dicts"):
        to_devkit_json([value])


VALUES = st.recursive(
    st.none() | st.integers(-(2**31), 2**31 - 1) | st.floats(-(2**20), 2**20, width=32),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4),
)


@given(VALUES)
def test_any_reader_gets_the_values_back(value):
    written = to_devkit_json(value)
    assert json.loads(written, parse_float=np.float32) == value
    assert to_devkit_json(json.loads(written)) == written
