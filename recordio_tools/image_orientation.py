"""Which way up a photo is, as its EXIF block says (CIPA DC-008, tag 274).

It is read here for JPEG and WebP: before OpenCV 5, EXIF was not found in WebP, nor in a JPEG behind another APP1
segment. In other formats OpenCV finds it.
"""

import numpy as np

from insightrec.recordio_tools import jpeg_markers

_EXIF = b"Exif\0\0"
_ORIENTATION, _SHORT = 0x0112, 3  # tag and type
_BYTE_ORDERS = {b"II*\0": "little", b"MM\0*": "big"}
_SMALL = 1 << 14  # bytes of a JPEG that are sooner searched than its markers are followed, as an aligned face's


def exif_orientation(data):
    """The number 1 to 8 in a JPEG's or WebP's EXIF block (bytes: the whole file); None where there is none."""
    block = _jpeg_exif(data) if data.startswith(jpeg_markers.HEAD) else _webp_exif(data)
    block = block[len(_EXIF) :] if block.startswith(_EXIF) else block
    order = _BYTE_ORDERS.get(block[:4])
    if order is None:
        return None

    def number(start, size):
        return int.from_bytes(block[start : start + size], order)

    directory = number(4, 4)
    first = directory + 2
    for entry in range(first, min(first + 12 * number(directory, 2), len(block) - 11), 12):
        if (number(entry, 2), number(entry + 2, 2)) == (_ORIENTATION, _SHORT):
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else None
    return None


def upright(image, orientation):
    """Pixels (H, W) or (H, W, 3) turned and mirrored as `exif_orientation` says; None leaves them."""
    if orientation in (None, 1):
        return image
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _jpeg_exif(jpeg):
    if len(jpeg) <= _SMALL and _EXIF not in jpeg:
        return b""
    for marker, start, stop in jpeg_markers.segments(jpeg):
        if marker == jpeg_markers.SCAN:
            break
        if marker == jpeg_markers.APP1 and jpeg.startswith(_EXIF, start):
            return jpeg[start:stop]
    return b""


def _webp_exif(webp):
    start = 12  # behind "RIFF", size, "WEBP"
    while start + 8 <= len(webp):
        kind, size = webp[start : start + 4], int.from_bytes(webp[start + 4 : start + 8], "little")
        if kind == b"EXIF":
            return webp[start + 8 : start + 8 + size]
        start += 8 + size + size % 2
    return b""
