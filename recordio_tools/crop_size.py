"""The size of an aligned face: checked, or scaled to a model's input."""

import cv2

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_rgb


def check_size(image, image_size, source):
    """Raise `ImageError` unless the pixels are ``(height, width)``."""
    if image.shape[:2] != tuple(image_size):
        expected, found = ("x".join(map(str, size[:2])) for size in (image_size, image.shape))
        raise ImageError(
            f"{source}: expected {expected} pixels (height x width), found {found}; "
            "align the faces to that size, or give --image-size"
        )


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
