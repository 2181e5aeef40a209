"""Encoded images to pixels, and back.

OpenCV reads them, but for what its versions read differently: Pillow reads GIF and animated WebP, an animated PNG
becomes its still picture, and JPEG and WebP are turned upright here.
"""

import cv2
import numpy as np

from insightrec.recordio_tools import jpeg_markers, png_chunks
from insightrec.recordio_tools.errors import ImageError, one_line
from insightrec.recordio_tools.image_header import check_pixels, read_image_header
from insightrec.recordio_tools.image_orientation import exif_orientation, upright
from insightrec.recordio_tools.image_wholeness import check_whole, not_an_image
from insightrec.recordio_tools.quiet_pillow import open_image

JPEG_QUALITY = 95  # OpenCV's default and what InsightFace's tools write
ENCODINGS = (".jpg", ".png")

_READ_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # OpenCV 4.11 and newer; before, channels are swapped afterwards
_FROM_RGB = {cv2.IMREAD_GRAYSCALE: cv2.COLOR_RGB2GRAY, cv2.IMREAD_COLOR: cv2.COLOR_RGB2BGR}
_GIF_HEAD, _WEBP_HEAD = b"GIF8", b"RIFF"
_WEBP_EXTENDED, _WEBP_ANIMATION = b"WEBPVP8X", 0x02  # more than pixels: alpha, EXIF, animation (a flag in byte 20)


def decode_rgb(data, source):
    """Decode one encoded image.

    Photos are turned upright by their EXIF orientation. Alpha is dropped, and the color below it stays. Of 16 bits
    the upper 8 are taken. CMYK is read as Adobe writes it, inverted. Of an animation it is the first picture. What
    follows the end of a JPEG or PNG is ignored.

    Args:
        data: bytes-like, a whole image file: JPEG, PNG, BMP, WebP, GIF, TIFF, or another that OpenCV reads.
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


def decode_gray(data, source):
    """The luma of an encoded image, uint8 (H, W); else as `decode_rgb`."""
    return _decode(data, source, cv2.IMREAD_GRAYSCALE)


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


def _decode(data, source, flag):
    """The pixels of an encoded image as OpenCV's ``flag`` asks for them, with what `decode_rgb` raises."""
    data = bytes(data)
    check_whole(data, source)
    if data[4:8] == b"ftyp":
        raise ImageError(f"{source}: expected a JPEG, PNG, WebP, GIF or TIFF, found an AVIF or HEIC image; convert it")
    orientation = None
    if data.startswith((jpeg_markers.HEAD, _WEBP_HEAD)):
        orientation = exif_orientation(data)
        flag |= cv2.IMREAD_IGNORE_ORIENTATION
    elif data.startswith(png_chunks.HEAD):
        data = png_chunks.still(data)
    decode = _decode_with_pillow if data.startswith(_GIF_HEAD) or _is_animated_webp(data) else _decode_with_opencv
    return upright(decode(data, source, flag), orientation)


def _is_animated_webp(data):
    flags = int.from_bytes(data[20:21], "little")
    return data.startswith(_WEBP_HEAD) and data[8:16] == _WEBP_EXTENDED and bool(flags & _WEBP_ANIMATION)


def _decode_with_opencv(data, source, flag):
    reason = None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        image, reason = None, one_line(error.err)
    if image is not None:
        return image
    header = read_image_header(data, source)
    check_pixels(header.height, header.width, source)
    if reason is None:
        raise not_an_image(data, source)
    raise ImageError(f"{source}: cannot be decoded ({reason}); replace or remove this image")


def _decode_with_pillow(data, source, flag):
    """A GIF or an animated WebP, which not every build of OpenCV reads."""
    try:
        with open_image(data, formats=("GIF", "WEBP")) as image:
            check_pixels(image.height, image.width, source)
            pixels = np.array(image.convert("RGB"))
    except ImageError:
        raise
    except Exception as error:  # a damaged file fails inside Pillow in many ways
        raise ImageError(f"{source}: cannot be decoded ({one_line(error)}); replace or remove this image") from None
    conversion = _FROM_RGB.get(flag & ~cv2.IMREAD_IGNORE_ORIENTATION)
    return pixels if conversion is None else cv2.cvtColor(pixels, conversion)
