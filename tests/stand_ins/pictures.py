"""A picture whose every turn and mirror image shows, and its bytes in any of Pillow's formats."""

import io

import cv2
import numpy as np
from PIL import Image


def picture(height=20, width=28):
    """Smooth colors without any symmetry: uint8 RGB."""
    coarse = np.random.default_rng(3).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def saved(image, kind, **options):
    """The bytes of an image, an array or Pillow's, as Pillow writes them."""
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, kind, **options)
    return file.getvalue()
