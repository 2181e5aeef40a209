"""Faces as a network takes them: float32, channels first, RGB or gray."""

import cv2
import numpy as np

CHANNELS = {"rgb": 3, "gray": 1}


def network_input(images, *, color="rgb", mean=0.0, scale=1.0, rows=None):
    """The batch that a network sees, each value (pixel - mean) * scale.

    Args:
        images: uint8 RGB (N, H, W, 3), 0..255.
        color: ``"rgb"``, or ``"gray"`` for one channel (OpenCV's RGB2GRAY).
        rows: the batch size, N or more; blank images follow the last. N if None.

    Returns:
        float32 (rows, C, H, W).
    """
    count, height, width = images.shape[:3]
    batch = np.zeros((rows or count, CHANNELS[color], height, width), np.float32)
    if color == "gray":
        stacked = np.ascontiguousarray(images).reshape(-1, width, 3)
        batch[:count, 0] = cv2.cvtColor(stacked, cv2.COLOR_RGB2GRAY).reshape(count, height, width)
    else:
        batch[:count] = images.transpose(0, 3, 1, 2)
    if mean != 0:
        batch -= np.float32(mean)
    if scale != 1:
        batch *= np.float32(scale)
    return batch
