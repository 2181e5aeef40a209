import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from stand_ins.pictures import picture, saved

from insightrec.recordio_tools.image_codec import decode_gray, decode_rgb
from insightrec.recordio_tools.image_orientation import exif_orientation

# Where the stored pixel (r, c) of H x W is seen, by EXIF's orientation.
SEEN_AT = {
    1: lambda r, c, height, width: (r, c),
    2: lambda r, c, height, width: (r, width - 1 - c),
    3: lambda r, c, height, width: (height - 1 - r, width - 1 - c),
    4: lambda r, c, height, width: (height - 1 - r, c),
    5: lambda r, c, height, width: (c, r),
    6: lambda r, c, height, width: (c, height - 1 - r),
    7: lambda r, c, height, width: (width - 1 - c, height - 1 - r),
    8: lambda r, c, height, width: (width - 1 - c, r),
}


def exif(orientation, order="MM"):
    """An EXIF block of one entry."""
    code = ">" if order == "MM" else "<"
    entry = struct.pack(f"{code}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"Exif\0\0" + order.encode() + struct.pack(f"{code}HI", 42, 8) + entry


def with_segments(jpeg, *bodies):
    """A JPEG with these APP1 segments first."""
    segments = (b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in bodies)
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def upright(stored, orientation):
    height, width = stored.shape[:2]
    seen = np.empty((width, height, *stored.shape[2:]) if orientation >= 5 else stored.shape, np.uint8)
    for r in range(height):
        for c in range(width):
            seen[SEEN_AT[orientation](r, c, height, width)] = stored[r, c]
    return seen


@pytest.mark.parametrize("orientation", SEEN_AT)
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {"save_all": True}), ("TIFF", {})],
)
def test_exif_turns_every_format_alike(kind, options, orientation):
    if "save_all" in options:
        frames = [Image.fromarray(np.full((20, 28, 3), 7, np.uint8))]
        options = {"save_all": True, "append_images": frames, "lossless": True}
    plain = decode_rgb(saved(picture(), kind, **options), "x")
    tag = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif(orientation)}
    data = saved(picture(), kind, **tag, **options)
    np.testing.assert_array_equal(decode_rgb(data, "x"), upright(plain, orientation))
    gray = decode_gray(data, "x")
    np.testing.assert_allclose(gray, cv2.cvtColor(upright(plain, orientation), cv2.COLOR_RGB2GRAY), atol=2)


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize(
    "before", [(), (b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>",)], ids=["EXIF first", "XMP first"]
)
def test_exif_in_either_byte_order_and_behind_xmp(before, order):
    plain = saved(picture(), "JPEG")
    data = with_segments(plain, *before, exif(6, order))
    np.testing.assert_array_equal(decode_rgb(data, "x"), upright(decode_rgb(plain, "x"), 6))


@pytest.mark.parametrize(
    "block", [exif(0), exif(9), exif(65535), exif(6)[:20], b"Exif\0\0" + b"II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_exif_that_says_nothing_leaves_the_photo(block):
    plain = saved(picture(), "JPEG")
    np.testing.assert_array_equal(decode_rgb(with_segments(plain, block), "x"), decode_rgb(plain, "x"))


@pytest.mark.parametrize("order", ["II", "MM"])
def test_other_entries_stand_around(order):
    code = ">" if order == "MM" else "<"
    entries = ((0x010F, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack(f"{code}HH", 8, 0)), (0x0213, 3, 1, b"\0\1\0\0"))
    block = b"".join(struct.pack(f"{code}HHI", *entry[:3]) + entry[3] for entry in entries)
    head = b"Exif\0\0" + order.encode() + struct.pack(f"{code}HIH", 42, 8, len(entries))
    assert exif_orientation(with_segments(saved(picture(), "JPEG"), head + block)) == 8


def test_only_the_pictures_own_exif_counts():
    """Not that of a thumbnail, of a profile, or of a picture behind the first."""
    plain = saved(picture(), "JPEG")
    turned = with_segments(plain, exif(6))
    inside = plain[:2] + b"\xff\xe2" + struct.pack(">H", len(turned) + 2) + turned + plain[2:]  # APP2
    for data in (plain + turned, inside, plain + bytes(1 << 15) + turned):
        assert exif_orientation(data) is None
        np.testing.assert_array_equal(decode_rgb(data, "x"), decode_rgb(plain, "x"))
    profile = b"\xff\xe2" + struct.pack(">H", 8) + b"\xff\xda\xff\xd9ab"  # the marks of a scan and of the end in it
    assert exif_orientation(turned[:2] + profile + turned[2:]) == 6
