"""Encoded images to pixels and back, and the checks that keep damaged ones out.

OpenCV reads them, but for what its versions read differently: Pillow reads GIF and animated WebP, an animated PNG
becomes its still picture, and the orientation of JPEG and WebP is found here (before OpenCV 5, EXIF was not
found in WebP, nor in a JPEG behind another APP1 segment).
"""

import io
import os
import stat
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from insightrec.recordio_tools import MAX_PIXELS
from insightrec.recordio_tools.errors import ImageError, one_line
from insightrec.recordio_tools.record_framing import MAX_LENGTH

JPEG_QUALITY = 95  # OpenCV's default and what InsightFace's tools write
ENCODINGS = (".jpg", ".png")
# By Pillow's name of the format; MPO is a JPEG followed by further pictures, as some cameras write.
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp"}
IMAGE_SUFFIXES = tuple(sorted({*SUFFIXES.values(), ".jpeg"}))  # what is taken for an image in a folder

_READ_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # OpenCV 4.11 and newer; before, channels are swapped afterwards
_JPEG_HEAD, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_PNG_HEAD, _PNG_END, _PNG_ANIMATION = b"\x89PNG\r\n\x1a\n", b"IEND", b"acTL"
_EXIF, _ORIENTATION = b"Exif\0\0", 0x0112
_WEBP_EXTENDED, _WEBP_ANIMATION = b"WEBPVP8X", 0x02  # more than pixels: alpha, EXIF, animation (a flag in byte 20)
# Each scan of a JPEG costs a pass over all pixels, and a photo has at most a dozen. A file of at most _FEW_SCANS bytes,
# as aligned faces are, has no room for many.
_MOST_SCANS, _FEW_SCANS = 500, 1 << 14


def decode_rgb(data, source):
    """Decode one encoded image.

    Photos are turned upright by their EXIF orientation. Alpha is dropped, and the color below it stays. Of 16 bits
    the upper 8 are taken. CMYK is read as Adobe writes it, inverted. Of an animation it is the first picture.

    Args:
        data: bytes-like, a whole image file: JPEG, PNG, BMP, WebP, GIF, or another that OpenCV reads.
        source: what to call the image in an error, e.g. ``"train.rec: record 17"``.

    Returns:
        uint8 RGB array (H, W, 3), values 0..255.

    Raises:
        ImageError: empty, cut short, not an image, or of more pixels than `recordio_tools.MAX_PIXELS`.
    """
    if _READ_RGB is not None:
        return _decode(data, source, _READ_RGB)
    image = _decode(data, source, cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def decode_to_size(data, size, source):
    """Decode an image and `scale_to_size`; returns uint8 RGB (H, W, 3).

    Raises:
        ImageError: as `decode_rgb` and `scale_to_size`.
    """
    return scale_to_size(decode_rgb(data, source), size, source)


def scale_to_size(image, size, source):
    """A uint8 image scaled to ``size`` (H, W), if it has the same proportions; one of that size is returned as it is.

    Raises:
        ImageError: its proportions differ: the crop was aligned for another input.
    """
    height, width = image.shape[:2]
    if (height, width) == tuple(size):
        return image
    if height * size[1] != width * size[0]:
        raise ImageError(
            f"{source}: expected an image of {size[0]}x{size[1]} (height x width) or a multiple of it, found "
            f"{height}x{width}; align the faces for this model's input"
        )
    smaller = size[0] < height
    return cv2.resize(image, tuple(size)[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def encode_rgb(image, encoding=".jpg", quality=JPEG_QUALITY):
    """Encode a uint8 image as ``encoding`` (one of `ENCODINGS`); returns bytes.

    RGB is (H, W, 3); a gray image (H, W) is stored with one channel.
    ``quality`` is JPEG's 1..100, or PNG's compression level 0..9 when ``encoding`` is ``.png``.
    """
    flag = cv2.IMWRITE_JPEG_QUALITY if encoding == ".jpg" else cv2.IMWRITE_PNG_COMPRESSION
    level = quality if encoding == ".jpg" else min(quality, 9)
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(encoding, pixels, (flag, level))
    return data.tobytes()


def read_image(path, gray=False):
    """A whole image file: ``(data, image)``, its bytes and its pixels, uint8.

    Pixels are RGB (H, W, 3), or with ``gray`` the luma (H, W).

    Raises:
        ImageError: the file cannot be read or decoded, is no regular file, or too large for a record.
    """
    try:
        status = os.stat(path)  # before opening: a pipe would block, and a device never end
        readable = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_LENGTH
        data = Path(path).read_bytes() if readable else None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: cannot be read ({reason}); correct the list or the folder") from None
    if data is None:
        found = f"{status.st_size} bytes" if stat.S_ISREG(status.st_mode) else "something else"
        raise ImageError(
            f"{path}: expected a regular file of at most {MAX_LENGTH} bytes, found {found}; "
            "correct the list or the folder"
        )
    return data, _decode(data, path, cv2.IMREAD_GRAYSCALE) if gray else decode_rgb(data, path)


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
    """Raise `ImageError` if ``data`` is empty, a JPEG without its end, or a PNG without it in the last 64 bytes.

    OpenCV decodes a JPEG that was cut short to a picture with a gray lower part, without an error.
    """
    if len(data) == 0:
        raise _no_image(data, source)
    head, tail = bytes(data[:8]), bytes(data[-64:])
    cut_jpeg = head.startswith(_JPEG_HEAD) and not tail.endswith(_JPEG_END) and _lacks_end(bytes(data))
    cut_png = head == _PNG_HEAD and _PNG_END not in tail
    if cut_jpeg or cut_png:
        raise _cut_short(data, source)


def _lacks_end(jpeg):
    """Whether no end marker follows the last scan; inside a scan 0xff is always followed by 0x00."""
    return jpeg.rfind(_JPEG_END) <= jpeg.rfind(_JPEG_SCAN)


def _decode(data, source, flag):
    """The pixels of an encoded image as OpenCV's ``flag`` asks for them, with what `decode_rgb` raises."""
    check_whole(data, source)
    data = bytes(data)
    orientation = None
    if data.startswith(_JPEG_HEAD):
        if len(data) > _FEW_SCANS and data.count(_JPEG_SCAN) > _MOST_SCANS:
            raise ImageError(
                f"{source}: expected a JPEG of at most {_MOST_SCANS} scans, found more; replace or remove this image"
            )
        if data.find(_EXIF, 0, data.find(_JPEG_SCAN)) >= 0:
            orientation = _exif_orientation(data)
            flag |= cv2.IMREAD_IGNORE_ORIENTATION
    elif data.startswith(_PNG_HEAD):
        data = _still(data, source)
    elif data.startswith(b"RIFF") and data[8:16] == _WEBP_EXTENDED:
        if int.from_bytes(data[20:21], "little") & _WEBP_ANIMATION:
            return _decode_with_pillow(data, source, flag)
        orientation = _exif_orientation(data)
        flag |= cv2.IMREAD_IGNORE_ORIENTATION
    elif data.startswith(b"GIF8"):
        return _decode_with_pillow(data, source, flag)
    elif data[4:8] == b"ftyp":
        raise ImageError(f"{source}: expected a JPEG, PNG, WebP or GIF, found an AVIF or HEIC image; convert it")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise ImageError(f"{source}: cannot be decoded ({one_line(error.err)}); replace or remove this image") from None
    if image is None:
        raise _no_image(data, source)
    return _upright(image, orientation)


def _decode_with_pillow(data, source, flag):
    """`_decode` of a GIF or an animated WebP, which not every build of OpenCV reads."""
    try:
        with Image.open(io.BytesIO(data), formats=("GIF", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.height}x{image.width} pixels, more than {MAX_PIXELS}")
            pixels, orientation = np.array(image.convert("RGB")), image.getexif().get(_ORIENTATION)
    except Exception as error:  # a damaged file fails inside Pillow in many ways
        raise ImageError(f"{source}: cannot be decoded ({one_line(error)}); replace or remove this image") from None
    if flag == cv2.IMREAD_GRAYSCALE:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    elif flag == cv2.IMREAD_COLOR:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return _upright(pixels, orientation)


def _still(png, source):
    """A PNG as it is, but an animated one without the mark that makes OpenCV 5 show the animation's first picture.

    Raises `ImageError` where a chunk declares more bytes than follow: OpenCV 4.11 makes room for them, up to 4 GB.
    """
    position, kind, animation = len(_PNG_HEAD), None, None
    while kind != _PNG_END:
        length, kind = int.from_bytes(png[position : position + 4], "big"), png[position + 4 : position + 8]
        end = position + 12 + length  # with length, kind and checksum
        if end > len(png):
            raise _cut_short(png, source)
        if kind == _PNG_ANIMATION:
            animation = slice(position, end)
        position = end
    return png if animation is None else png[: animation.start] + png[animation.stop :]


def _exif_orientation(data):
    """EXIF's orientation of a JPEG or WebP, 1 to 8; None where there is none that can be read."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as image:
            return image.getexif().get(_ORIENTATION)
    except Exception:  # what OpenCV decodes is an image, whatever its EXIF is
        return None


def _upright(image, orientation):
    """The pixels turned and mirrored as EXIF's orientation says; other numbers than 2 to 8 leave them."""
    if orientation not in range(2, 9):
        return image
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _no_image(data, source):
    found = f"{len(data)} bytes beginning {bytes(data[:8]).hex(' ')}" if len(data) else "0 bytes"
    return ImageError(f"{source}: expected an image, found {found}; replace or remove this image")


def _cut_short(data, source):
    return ImageError(
        f"{source}: image is cut short after {len(data)} bytes, or has bytes after its end; "
        "replace or remove this image"
    )
