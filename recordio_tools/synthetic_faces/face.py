"""Drawings of made-up aligned faces: a seeded person, and as many different pictures of that person as wanted.

They stand in for photographs in demonstrations and tests, where real faces may not be shipped. The same identity and
view give the same pixels, with NumPy 1 or 2, as long as OpenCV's JPEG codec is the same.
"""

import cv2
import numpy as np

from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb
from insightrec.recordio_tools.synthetic_faces.canvas import Canvas
from insightrec.recordio_tools.synthetic_faces.factors import FaceView
from insightrec.recordio_tools.synthetic_faces.light import light_face
from insightrec.recordio_tools.synthetic_faces.parts import paint_face
from insightrec.recordio_tools.synthetic_faces.pose import CROP, Pose


def draw_face(identity, rng, size=CROP):
    """A picture of ``identity`` in a view drawn from ``rng``; uint8 RGB (H, W, 3), ``size`` is (H, W)."""
    return render_face(identity, FaceView.sample(rng), size)


def render_face(identity, view, size=CROP):
    """The picture of ``identity`` in ``view``; uint8 RGB (H, W, 3), ``size`` is (H, W)."""
    rng = np.random.default_rng(view.texture_seed)
    pose = Pose(identity, view, size)
    canvas = Canvas(pose, _background(rng, size))
    paint_face(canvas, identity, view)
    return _photograph(light_face(*canvas.shrunk(), identity, view, pose), view, rng)


def _background(rng, size):
    """A few blurred patches around one color."""
    height, width = size
    patches = 0.5 * rng.integers(0, 256, (4, 4, 3)) + 0.5 * rng.integers(0, 256, 3)
    return cv2.resize(patches.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def _photograph(image, view, rng):
    """Blur, noise and JPEG's losses: float64 (H, W, 3) to uint8."""
    if view.blur > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), view.blur)
    if view.noise > 0:
        image = image + view.noise * rng.standard_normal(image.shape)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return decode_rgb(encode_rgb(pixels, ".jpg", int(min(max(view.jpeg_quality, 35), 98))), "drawn face")
