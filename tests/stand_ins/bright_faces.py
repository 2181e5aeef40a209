"""A stand-in for the detector, and photos for it: what is bright enough shows a face, always at the same place."""

import numpy as np

from insightrec.deploy.mtcnn import DetectedFace
from insightrec.recordio_tools.image_codec import encode_rgb

BOX = np.array([20.0, 10, 79, 69])
LANDMARKS = np.array([[35.0, 30], [65, 30], [50, 45], [38, 58], [62, 58]])


class BrightFaces:
    """Finds one face in a bright photo."""

    def detect(self, image):
        return [DetectedFace(BOX, 0.9, LANDMARKS)] if image.mean() > 100 else []

    def confirm(self, image, boxes, thresholds):
        return []


def write_photo(path, brightness, size=(90, 100)):
    """Write a seeded photo of 40 levels from ``brightness`` on; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(brightness).integers(0, 40, (*size, 3)) + brightness
    path.write_bytes(encode_rgb(pixels.astype(np.uint8)))
    return path
