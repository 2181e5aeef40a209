"""Encoded images to pixels and back (OpenCV), and the checks that keep damaged ones out."""

import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from insightrec.recordio_tools.errors import ImageError

JPEG_QUALITY = 95  # OpenCV's default and what InsightFace's tools write
ENCODINGS = (".jpg", ".png")

_JPEG_HEAD, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_PNG_HEAD, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"


def decode_rgb(data, source):
    """Decode one encoded image.

    Args:
        data: bytes-like, a whole image file (anything OpenCV reads).
        source: what to call the image in an error, e.g. ``"train.rec: record 17"``.

    Returns:
        uint8 RGB array (H, W, 3), values 0..255.

    Raises:
        ImageError: empty, cut short, not an image, or of more pixels than `recordio_tools.MAX_PIXELS`.
    """
    check_whole(data, source)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"{source}: cannot be decoded ({error.err}); replace or remove this image") from None
    if image is None:
        raise _no_image(data, source)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def encode_rgb(image, encoding=".jpg", quality=JPEG_QUALITY):
    """Encode a uint8 RGB image (H, W, 3) as ``encoding`` (one of `ENCODINGS`); returns bytes.

    ``quality`` is JPEG's 1..100, or PNG's compression level 0..9 when ``encoding`` is ``.png``.
    """
    flag = cv2.IMWRITE_JPEG_QUALITY if encoding == ".jpg" else cv2.IMWRITE_PNG_COMPRESSION
    level = quality if encoding == ".jpg" else min(quality, 9)
    _, data = cv2.imencode(encoding, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (flag, level))
    return data.tobytes()


def read_image(path):
    """A whole image file: ``(data, image)``, its bytes and its pixels, uint8 RGB (H, W, 3).

    Raises:
        ImageError: the file cannot be read or decoded.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); correct the list or the folder") from None
    return data, decode_rgb(data, path)


def check_size(image, image_size, source):
    """Raise `ImageError` unless the pixels are ``(height, width)``."""
    if image.shape[:2] != tuple(image_size):
        expected, found = ("x".join(map(str, size[:2])) for size in (image_size, image.shape))
        raise ImageError(
            f"{source}: expected {expected} pixels (height x width), found {found}; "
            "align the faces to that size, or give --image-size"
        )


class ImageHeader(NamedTuple):
    """What an encoded image says of itself: Pillow's format name ("JPEG", "PNG", ...), size in pixels."""

    format: str
    height: int
    width: int


def read_image_header(data, source):
    """`ImageHeader` of an encoded image; pixels are not decoded.

    Raises:
        ImageError: not an image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return ImageHeader(image.format, image.height, image.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise _no_image(data, source) from None


def check_whole(data, source):
    """Raise `ImageError` if ``data`` is empty or a JPEG or PNG that lacks its end.

    OpenCV decodes a JPEG that was cut short to a picture with a gray lower part, without an error.
    """
    if len(data) == 0:
        raise _no_image(data, source)
    data = bytes(data)
    # Inside a JPEG scan an 0xff is always followed by 0x00, so an end marker there is a real one.
    cut_jpeg = data.startswith(_JPEG_HEAD) and data.rfind(_JPEG_END) <= data.rfind(_JPEG_SCAN)
    cut_png = data.startswith(_PNG_HEAD) and _PNG_END not in data[-64:]
    if cut_jpeg or cut_png:
        raise ImageError(f"{source}: image is cut short after {len(data)} bytes; replace or remove this image")


def _no_image(data, source):
    found = f"{len(data)} bytes beginning {bytes(data[:8]).hex(' ')}" if len(data) else "0 bytes"
    return ImageError(f"{source}: expected an image, found {found}; replace or remove this image")
