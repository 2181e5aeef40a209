"""What a drawn face is painted on: soft-edged, grained color inside outlines that follow the pose."""

import cv2
import numpy as np

from insightrec.recordio_tools.synthetic_faces.outlines import brush_stroke
from insightrec.recordio_tools.synthetic_faces.pose import on_face

SUPERSAMPLE = 2  # shapes are drawn at twice the size and averaged down
SUBPIXEL_BITS = 4  # OpenCV takes outlines in 1/16 pixel


class Canvas:
    """A picture before lighting and the figure's coverage of it (0..255), both `SUPERSAMPLE` times too large.

    Args:
        pose: `Pose` of the head.
        background: uint8 RGB (H, W, 3), as large as the picture.
    """

    def __init__(self, pose, background):
        self.pose = pose
        self._size = background.shape[1::-1]
        self._image = cv2.resize(background, None, fx=SUPERSAMPLE, fy=SUPERSAMPLE, interpolation=cv2.INTER_LINEAR)
        self._figure = np.zeros(self._image.shape[:2], np.uint8)

    def paint(self, color, *outlines, lift=0.0, opacity=1.0, softness=0.0, grain=None, figure=False):
        """Fill each outline, points (N, 2) on the face, with an RGB color.

        ``lift`` raises the outlines above the face; ``softness`` is the sigma of their edges, in the head's
        units; ``grain``, from `grain`, weakens the paint; ``figure`` says that what lies under them is lit as part
        of the figure.
        """
        if opacity <= 0:
            return
        color = tuple(map(float, color))
        points = self.pose.project(on_face(np.concatenate(outlines), lift))
        # To OpenCV's fixed point, in which the centre of the first pixel is 0.
        points = np.rint(((points + 0.5) * SUPERSAMPLE - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        polygons = np.split(points, np.cumsum([len(outline) for outline in outlines[:-1]]))
        if figure:
            _fill(self._figure, polygons, 255)
        if opacity == 1.0 and not softness and grain is None:
            _fill(self._image, polygons, color)
            return
        sigma = softness * SUPERSAMPLE * self.pose.pixels_per_unit
        margin = int(3 * sigma) + 2
        left, top = np.maximum((points.min(axis=0) >> SUBPIXEL_BITS) - margin, 0)
        right, bottom = np.maximum((points.max(axis=0) >> SUBPIXEL_BITS) + margin, 0)
        region = self._image[top:bottom, left:right]
        if region.size == 0:
            return
        mask = np.zeros(region.shape[:2], np.uint8)
        corner = np.array([left, top], np.int32) << SUBPIXEL_BITS
        _fill(mask, [polygon - corner for polygon in polygons], 255)
        weight = mask * np.float32(opacity / 255)
        if sigma:
            weight = cv2.GaussianBlur(weight, (0, 0), sigma)
        if grain is not None:
            weight *= grain[top:bottom, left:right]
        paint = cv2.rectangle(np.empty_like(region), (0, 0), weight.shape[::-1], color, cv2.FILLED)
        region[:] = cv2.blendLinear(region, paint, 1 - weight, weight)

    def stroke(self, color, thickness, *lines, **how):
        """Paint a `brush_stroke` along each line; ``how`` is `paint`'s."""
        self.paint(color, *(brush_stroke(line, thickness) for line in lines), **how)

    def grain(self, seed, cell, stretch=1):
        """Noise over the whole canvas, float32 0..1, in grains ``cell`` wide and ``stretch`` times as high."""
        height, width = self._figure.shape
        rows, columns = int(height / cell / stretch) + 2, int(width / cell) + 2
        coarse = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)

    def shrunk(self):
        """The picture (H, W, 3) and the figure's coverage (H, W), both uint8."""
        return [cv2.resize(plane, self._size, interpolation=cv2.INTER_AREA) for plane in (self._image, self._figure)]


def _fill(plane, polygons, color):
    # One call for all of them would leave out what two of them share.
    for polygon in polygons:
        cv2.fillPoly(plane, [polygon], color, cv2.LINE_AA, SUBPIXEL_BITS)
