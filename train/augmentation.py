"""What training changes in a face: mirroring, colors, JPEG's losses, a square cut out.

The order is InsightFace's (late 2018), but that the mirroring comes after the changes of color, which do not mind.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb

JITTER = 0.125  # brightness, contrast and saturation change by a factor of 1 - JITTER to 1 + JITTER
QUALITIES = range(2, 21)  # of recompression
CUTOUT_VALUE = 128
LUMA = np.array([0.299, 0.587, 0.114])  # of RGB, ITU-R BT.601

_DRAW = int.from_bytes(b"augmentation", "big")  # sets these draws apart from others of the same seed
_COUNTS = 3  # steps of Philox's counter for an image; each gives four numbers


class ImageDraws(NamedTuple):
    """What chance decides about N images: arrays (N,) of numbers in [0, 1)."""

    mirror: np.ndarray
    recompress: np.ndarray
    quality: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    saturation: np.ndarray
    cut: np.ndarray
    cut_row: np.ndarray
    cut_column: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Which changes are made to training images.

    Attributes:
        mirror: flip left to right, one image in two (``--rand-mirror``).
        color: 1 or more: `jitter_color` every image, each factor uniform in 1 - JITTER to 1 + JITTER; 2 or more:
            `recompress` one image in two before, at a quality of `QUALITIES` (``--color``).
        cutoff: `cut_out` a square of that many pixels from one image in two, centred anywhere; 0 for none
            (``--cutoff``). That is late 2018's; before, InsightFace cut every image and filled with 127.5.
    """

    mirror: bool = True
    color: int = 0
    cutoff: int = 0

    def apply(self, image, draws, place, out):
        """Write the changed ``image`` into ``out``, both uint8 RGB (H, W, 3), by what was drawn at ``place``."""
        if self.color > 1 and draws.recompress[place] < 0.5:
            image = recompress(image, QUALITIES[int(draws.quality[place] * len(QUALITIES))])
        if self.color:
            numbers = (draws.brightness[place], draws.contrast[place], draws.saturation[place])
            image = jitter_color(image, *(1 + JITTER * (2 * number - 1) for number in numbers))
        if self.mirror and draws.mirror[place] < 0.5:
            cv2.flip(image, 1, dst=out)
        else:
            out[:] = image
        if self.cutoff and draws.cut[place] < 0.5:
            height, width = out.shape[:2]
            cut_out(out, self.cutoff, int(draws.cut_row[place] * height), int(draws.cut_column[place] * width))


def draw_images(seed, first, count):
    """The `ImageDraws` of images ``first`` to ``first + count - 1`` of the training stream.

    An image's numbers depend on the seed and its place in the stream only, whatever the batch, the worker or the
    step that a run was resumed at: Philox is a generator by counter, and each image has its own counts.
    """
    generator = np.random.Generator(np.random.Philox(seed=[seed, _DRAW], counter=first * _COUNTS))
    numbers = generator.random((count, 4 * _COUNTS))[:, : len(ImageDraws._fields)]
    return ImageDraws(*numbers.T)


def jitter_color(image, brightness, contrast, saturation):
    """Scale the colors of an image by three factors, as ``mx.image``'s jitter defines them.

    With the luma L = 0.299 R + 0.587 G + 0.114 B of a pixel x, and its mean m over the image::

        brightness b:  x -> b x
        contrast c:    x -> c x + (1 - c) m
        saturation s:  x -> s x + (1 - s) L

    ``mx.image`` makes the three steps in random order; they commute, so all orders are this one. It keeps values
    above 255, here they are clipped.

    Args:
        image: uint8 RGB (H, W, 3).

    Returns:
        uint8 RGB (H, W, 3), rounded (to within 1: OpenCV's arithmetic is in fixed point).
    """
    mean_luma = LUMA @ cv2.mean(image)[:3]
    matrix = np.empty((3, 4), np.float32)
    matrix[:, :3] = brightness * contrast * (saturation * np.eye(3) + (1 - saturation) * LUMA)
    matrix[:, 3] = brightness * (1 - contrast) * mean_luma
    return cv2.transform(image, matrix)


def recompress(image, quality):
    """An image (uint8 RGB) after JPEG of ``quality`` 1..100."""
    return decode_rgb(encode_rgb(image, ".jpg", quality), "recompressed image")


def cut_out(image, side, row, column):
    """Fill the square of ``side`` pixels around a pixel with `CUTOUT_VALUE`, as far as it lies inside; in place."""
    top, left = row - side // 2, column - side // 2
    image[max(top, 0) : top + side, max(left, 0) : left + side] = CUTOUT_VALUE
