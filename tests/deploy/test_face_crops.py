import cv2
import numpy as np
import pytest

from insightrec.deploy import face_crops
from insightrec.deploy.face_crops import crop_squares


@pytest.fixture
def image(rng):
    return rng.integers(1, 256, (20, 30, 3), np.uint8)


def dumb_cut(image, box):
    """Pixel by pixel, black outside."""
    left, top, right, bottom = (int(edge) for edge in box)
    cut = np.zeros((bottom - top + 1, right - left + 1, 3), np.uint8)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                cut[y - top, x - left] = image[y, x]
    return cut


@pytest.mark.parametrize(
    "box",
    [
        (3, 4, 10, 11),
        (-3, -4, 8, 7),
        (25, 15, 36, 26),
        (-5, 3, 40, 48),
        (0, 0, 29, 29),
        (29, 19, 29, 19),
        (-8, -8, -1, -1),
        (30, 4, 37, 11),
        (2, 40, 9, 47),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_is_outside_the_image_is_black(image, box, dtype):
    (found,) = crop_squares(image, np.array([box], float), 12, dtype)
    assert (found.shape, found.dtype) == ((12, 12, 3), dtype)
    np.testing.assert_array_equal(found, cv2.resize(dumb_cut(image, box).astype(dtype), (12, 12)))


def test_a_crop_of_the_wanted_size_is_the_pixels_themselves(image):
    whole = crop_squares(image, np.array([(4, 5, 11, 12), (0, 0, 7, 7)], float), 8)
    np.testing.assert_array_equal(whole, [image[5:13, 4:12], image[:8, :8]])


def test_float_crops_are_not_rounded_but_large_ones_are(image, monkeypatch):
    box = np.array([(0, 0, 16, 16)], float)
    (found,) = crop_squares(image, box, 12, np.float32)
    assert (found != np.round(found)).any()
    monkeypatch.setattr(face_crops, "_MAX_FLOAT_SIDE", 16)
    (rounded,) = crop_squares(image, box, 12, np.float32)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, np.round(rounded))
    assert np.abs(rounded - found).max() <= 1
