"""A row of the table: what it holds comes back, and damage is noticed."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.aligned_photo import COLUMNS, AlignedPhoto, describe, format_row, header, parse_row
from insightrec.megaface.guided_alignment import GuidedFace
from insightrec.megaface.protocol_photo import ProtocolPhoto

PHOTO = ProtocolPhoto("in/a/1.jpg", "a/1.jpg", 3)
LANDMARKS = np.arange(10).reshape(5, 2) / 3
FACE = GuidedFace(np.zeros((112, 112, 3), np.uint8), "detected", np.array([0.1, 2, 3, 4]), 0.7, LANDMARKS, "")


def test_a_face_that_was_found():
    row = describe(PHOTO, FACE)
    assert row[:3] == ("a/1.jpg", 3, "detected")
    assert format_row(row) == (
        b"a/1.jpg,3,detected,0.7,0.1,2.0,3.0,4.0,0.0,0.6666666666666666,1.3333333333333333,2.0,2.6666666666666665,"
        b"0.3333333333333333,1.0,1.6666666666666667,2.3333333333333335,3.0,\n"
    )
    fields = dict(zip(COLUMNS, next(csv.reader(io.StringIO(format_row(row).decode())))))
    landmarks = [[float(fields[f"l{axis}{point}"]) for axis in "xy"] for point in range(1, 6)]
    np.testing.assert_array_equal(landmarks, LANDMARKS)


def test_a_crop_without_a_face_and_no_crop():
    face = FACE._replace(how="box-crop", score=np.nan, landmarks=np.full((5, 2), np.nan))
    assert format_row(describe(PHOTO, face)) == b"a/1.jpg,3,box-crop,,0.1,2.0,3.0,4.0" + b"," * 11 + b"\n"
    assert format_row(describe(PHOTO, fault="not\nthere")) == b"a/1.jpg,3," + b"," * 16 + b"not there\n"
    assert header().count(b",") == format_row(describe(PHOTO)).count(b",")


_TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"), max_size=8)


@given(path=_TEXT, label=st.integers(0), how=_TEXT, number=st.floats(allow_nan=False), fault=_TEXT)
def test_a_row_comes_back(path, label, how, number, fault):
    row = AlignedPhoto(path, label, how, (repr(number),) * 15, fault)
    line = format_row(row)
    assert line.count(b"\n") == 1
    assert parse_row(line) == row


def test_a_name_that_is_no_utf8_comes_back():
    row = describe(PHOTO._replace(target="a/\udce9.jpg"))
    assert parse_row(format_row(row)) == row


@pytest.mark.parametrize("damage", [lambda line: line[:-1], lambda line: line[2:].replace(b",", b"", 1)])
def test_a_row_that_is_not_whole(damage):
    with pytest.raises(ValueError, match="cut off|columns|invalid literal|NUL|end of data"):
        parse_row(damage(format_row(describe(PHOTO, FACE))))


@pytest.mark.parametrize("line", [b"", b"\n", b"\0\0\0\n", b'"a\n', b"a,x" + b"," * 17 + b"\n"])
def test_what_is_no_row(line):
    with pytest.raises(ValueError, match="cut off|columns|invalid literal|NUL|end of data"):
        parse_row(line)
