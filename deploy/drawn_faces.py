"""Made-up faces to try a model on where no photographs are at hand."""

import cv2
import numpy as np

from insightrec.recordio_tools.draw_faces import SIDES, draw_person


def drawn_faces(count, image_size, seed=0):
    """One picture each of ``count`` made-up persons: uint8 RGB (count, H, W, 3), ``image_size`` is (H, W).

    Seeded; sizes beyond what can be drawn (`SIDES`) are scaled from the nearest that can.
    """
    height, width = image_size
    drawable = tuple(min(max(side, SIDES[0]), SIDES[-1]) for side in image_size)
    faces = (draw_person(seed, person, 1, drawable)[0] for person in range(count))
    return np.stack([face if drawable == image_size else cv2.resize(face, (width, height)) for face in faces])
