"""Boxes and points of a data set: what is a number of a photo, and what is refused."""

import math

import numpy as np
import pytest

from insightrec.megaface.face_guide import MAX_COORDINATE, FaceGuide, to_box, to_points


def test_numbers_and_their_texts():
    assert to_box("12", " 3.5 ", 40, 30.25).tolist() == [12, 3.5, 40, 30.25]
    points = to_points([(1, "2"), (3.5, -4)])
    assert (points.tolist(), points.dtype) == ([[1, 2], [3.5, -4]], np.float64)


def test_a_box_of_one_pixel():
    assert to_box(5, 5, 5, 5).tolist() == [5, 5, 5, 5]
    for corner in ((4, 5), (5, 4)):
        with pytest.raises(ValueError, match="a box of 1 pixel or more"):
            to_box(5, 5, *corner)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, MAX_COORDINATE + 1, "nan", "1e999", "x", "", None, True, [1], {}, 10**400]
)
def test_what_is_no_number_of_pixels(value):
    with pytest.raises(ValueError, match=f"numbers of pixels, at most {MAX_COORDINATE}"):
        to_box(0, 0, 1, value)
    with pytest.raises(ValueError, match=f"numbers of pixels, at most {MAX_COORDINATE}"):
        to_points([(0, 0), (value, 0)])


def test_nothing_is_known_by_default():
    assert FaceGuide() == (None, None, "")
