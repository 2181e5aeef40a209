import warnings
import zlib

import numpy as np
import pytest

from insightrec.recordio_tools import MAX_PIXELS
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_header import check_pixels, read_image_header


def test_header_gives_size_and_format(faces):
    assert read_image_header(faces(3, (112, 96)), "x") == ("JPEG", 112, 96)
    assert read_image_header(memoryview(faces(3, (30, 40), ".png")), "x") == ("PNG", 30, 40)


def test_what_is_no_image_is_refused():
    for data in (b"", b"hello", bytes(5000), b"\xff\xd8\xff\xd9"):
        with pytest.raises(ImageError, match=r"^a\.jpg: expected an image, found"):
            read_image_header(data, "a.jpg")


@pytest.mark.parametrize("side", [9500, 20000])  # Pillow warns of the first and refuses the second
def test_a_huge_image_has_a_header_and_no_warning(side):
    data = encode_rgb(np.zeros((1, 1), np.uint8), ".png")
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + data[24:29]
    data = data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image_header(data, "x")[1:] == (side, side)


def test_pixels_are_bounded():
    check_pixels(8192, 8192, "x")
    with pytest.raises(ImageError, match=rf"^a\.png: expected at most {MAX_PIXELS} pixels, found 8192x8193; "):
        check_pixels(8192, 8193, "a.png")
