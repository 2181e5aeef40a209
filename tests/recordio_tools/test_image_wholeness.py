import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.image_wholeness import check_whole


def picture(height=20, width=28):
    """Noise: uint8 RGB."""
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


def saved(kind, size=(20, 28), **options):
    """The bytes of `picture` as Pillow writes it."""
    file = io.BytesIO()
    Image.fromarray(picture(*size)).save(file, kind, **options)
    return file.getvalue()


def with_thumbnail(jpeg):
    """A JPEG with a whole other one in an APP1 segment."""
    body = b"Exif\0\0" + saved("JPEG", (8, 8))
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


WHOLE = {
    "baseline": saved("JPEG"),
    "progressive": saved("JPEG", progressive=True),
    "restarts": cv2.imencode(".jpg", picture(), (cv2.IMWRITE_JPEG_RST_INTERVAL, 1))[1].tobytes(),
    "thumbnail": with_thumbnail(saved("JPEG")),
    "no small file": with_thumbnail(saved("JPEG", (110, 120), quality=97)),
    "PNG": saved("PNG"),
}
# What motion photos and cameras put behind a picture, and what it may look like.
TRAILERS = st.lists(
    st.sampled_from([b"\xff\xd9", b"\xff\xda", b"\xff\xd8", WHOLE["baseline"], b"IEND\xaeB`\x82"])
    | st.binary(max_size=30),
    max_size=6,
).map(b"".join)


@pytest.mark.parametrize("kind", WHOLE)
@given(trailer=TRAILERS)
@settings(max_examples=60)
def test_bytes_after_the_end_change_nothing(kind, trailer):
    """A motion photo, a JPEG with a film behind it, was refused as cut short for some bytes of the film."""
    check_whole(WHOLE[kind] + trailer, "x")
    np.testing.assert_array_equal(decode_rgb(WHOLE[kind] + trailer, "x"), decode_rgb(WHOLE[kind], "x"))


def test_scans_are_not_counted_behind_the_end():
    """Of 45 MB of film, a thousand places look like the beginning of a scan."""
    check_whole(WHOLE["baseline"] + b"\xff\xda\0\2" * 20000, "x")


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_cut_anywhere_is_refused(kind):
    data = WHOLE[kind]
    assert (kind == "no small file") == (len(data) > 1 << 14)
    for keep in range(0, len(data), 1 if len(data) < 5000 else 41):
        with pytest.raises(ImageError, match=r"^a\.jpg: (expected an image, found|image is cut short after)"):
            decode_rgb(data[:keep], "a.jpg")


def test_a_jpeg_of_endless_scans_is_refused():
    data = WHOLE["progressive"]
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert decode_rgb(data[:-2] + scan * 20 + b"\xff\xd9", "x").shape == (20, 28, 3)
    with pytest.raises(ImageError, match=r"^x: expected a JPEG of at most 500 scans, found more"):
        check_whole(data[:-2] + scan * 2000 + b"\xff\xd9", "x")


def test_empty_and_other_formats():
    with pytest.raises(ImageError, match=r"^x: expected an image, found 0 bytes"):
        check_whole(b"", "x")
    check_whole(memoryview(saved("BMP")), "x")
