import numpy as np
import pytest

from insightrec.recordio_tools.crop_size import check_size, decode_to_size
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import encode_rgb


def test_decode_to_size_scales_crops_of_the_same_proportions():
    small = np.kron(np.array([[10, 200], [90, 30]], np.uint8), np.ones((4, 4), np.uint8))[:, :, None].repeat(3, 2)
    encoded = encode_rgb(small, ".png")
    np.testing.assert_array_equal(decode_to_size(encoded, (8, 8), "x"), small)
    assert decode_to_size(encoded, (2, 2), "x")[:, :, 0].tolist() == [[10, 200], [90, 30]]
    assert decode_to_size(encoded, (16, 16), "x").shape == (16, 16, 3)


def test_decode_to_size_refuses_other_proportions():
    encoded = encode_rgb(np.zeros((112, 96, 3), np.uint8))
    with pytest.raises(ImageError, match=r"lfw.bin: image 0: expected an image of 112x112 .* found 112x96"):
        decode_to_size(encoded, (112, 112), "lfw.bin: image 0")


def test_another_size_is_said():
    check_size(np.zeros((112, 96, 3), np.uint8), (112, 96), "x")
    with pytest.raises(ImageError, match=r"^a\.jpg: expected 112x96 pixels \(height x width\), found 96x112; "):
        check_size(np.zeros((96, 112, 3), np.uint8), (112, 96), "a.jpg")
