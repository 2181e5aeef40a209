"""Squares of an image around candidate faces, scaled to a network's input."""

import cv2
import numpy as np

_MAX_FLOAT_SIDE = 2048  # pixels; a float copy of a larger crop would take more than 50 MB


def crop_squares(image, boxes, size, dtype=np.uint8):
    """The image within each box, scaled (bilinear) to ``size`` x ``size``; black outside the image.

    Args:
        image: uint8 (H, W, C).
        boxes: (n, 4), whole numbers, corners inclusive; x2 >= x1 and y2 >= y1.
        size: pixels.
        dtype: the type that is interpolated in: uint8 rounds to whole numbers, float32 does not. Crops of more
            than 2048 pixels a side are rounded always, so that no large float copy is made.

    Returns:
        list of n arrays (size, size, C) of ``dtype``.
    """
    crops = []
    for box in boxes.astype(np.int64).tolist():
        crop = _cut(image, *box)
        if dtype != crop.dtype and max(crop.shape[:2]) <= _MAX_FLOAT_SIDE:
            crop = crop.astype(dtype)
        crops.append(cv2.resize(crop, (size, size)).astype(dtype, copy=False))
    return crops


def _cut(image, left, top, right, bottom):
    """The pixels of a box, a view of the image where the box is inside it."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(right, width - 1), min(bottom, height - 1)
    if (x1, y1, x2, y2) == (left, top, right, bottom):
        return image[y1 : y2 + 1, x1 : x2 + 1]
    cut = np.zeros((bottom - top + 1, right - left + 1, *image.shape[2:]), image.dtype)
    if x1 <= x2 and y1 <= y2:
        cut[y1 - top : y2 - top + 1, x1 - left : x2 - left + 1] = image[y1 : y2 + 1, x1 : x2 + 1]
    return cut
