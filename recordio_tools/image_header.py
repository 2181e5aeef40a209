"""What an encoded image says of itself, without its pixels."""

from typing import NamedTuple

from insightrec.recordio_tools import MAX_PIXELS
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_suffixes import SUFFIXES
from insightrec.recordio_tools.image_wholeness import not_an_image
from insightrec.recordio_tools.quiet_pillow import open_image


class ImageHeader(NamedTuple):
    """Pillow's name of the format ("JPEG", "PNG", ...), size in pixels as stored."""

    format: str
    height: int
    width: int


def read_image_header(data, source):
    """`ImageHeader` of an encoded image (bytes-like); pixels are not decoded.

    Raises:
        ImageError: not an image.
    """
    try:
        with open_image(data) as image:
            return ImageHeader(image.format, image.height, image.width)
    except Exception:
        raise not_an_image(data, source) from None


def record_suffix(data, source):
    """The file ending of an encoded image (bytes-like) that is, or may go, into a record: ``".jpg"``, ``".png"``, ...

    Raises:
        ImageError: not an image, or of a format that readers of records do not know.
    """
    if bytes(data[:2]) == b"\xff\xd8":  # nearly all are
        return SUFFIXES["JPEG"]
    found = read_image_header(data, source).format
    if found not in SUFFIXES:
        raise ImageError(f"{source}: expected {', '.join(SUFFIXES)}, found {found}; convert or remove this image")
    return SUFFIXES[found]


def check_pixels(height, width, source):
    """Raise `ImageError` if there are more pixels than `recordio_tools.MAX_PIXELS`."""
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{source}: expected at most {MAX_PIXELS} pixels, found {height}x{width}; scale the image down"
        )
