"""Images opened by Pillow without its warnings, and without its own limit of pixels."""

import contextlib
import io
import threading
import warnings

from PIL import Image

_LOCK = threading.Lock()  # the filters of warnings and Pillow's limit are the whole process's


@contextlib.contextmanager
def open_image(data, formats=None):
    """The `PIL.Image.Image` of encoded bytes; nothing but its head is read until its pixels are asked for.

    Whoever asks for pixels compares its size with `recordio_tools.MAX_PIXELS` first. One thread at a time comes in.

    Args:
        data: bytes-like, a whole image file.
        formats: Pillow's names of those to try (default: all).

    Raises:
        Exception: a damaged file fails inside Pillow in many ways.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(io.BytesIO(data), formats=formats) as image:
                yield image
        finally:
            Image.MAX_IMAGE_PIXELS = limit
