"""Where a drawn head is in the picture.

A head has a frame of its own: x right, y down, z towards the viewer, the nose tip at x = y = 0, lengths in pixels of a
112 x 112 crop. It is turned by the view, then moved by the similarity that best fits its five landmarks to
InsightFace's template, as an aligner would do; what misalignment remains is part of the view.
"""

import numpy as np

from insightrec.recordio_tools.face_alignment import similarity, template
from insightrec.recordio_tools.synthetic_faces.factors import FaceView

CROP = (112, 112)  # (height, width) of the crop in whose pixels lengths are


class Pose:
    """From the head's frame to pixels of a picture of ``size`` (height, width): an affine map.

    ``landmarks``: the five landmarks in the picture, float64 (5, 2). ``pixels_per_unit``: the scale.
    """

    def __init__(self, identity, view, size):
        yaw, pitch, roll = np.deg2rad([view.yaw_deg, view.pitch_deg, view.roll_deg])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        flatten = (nod @ turn)[:2]
        landmarks, reference = _head_landmarks(identity, view), template(CROP)
        fit = similarity(landmarks @ flatten.T, reference)
        left_over = view.scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        center = reference.mean(axis=0)
        shift = left_over @ (fit[:, 2] - center) + center + (view.shift_x, view.shift_y)

        height, width = size
        zoom = height / CROP[0]
        self._matrix = zoom * left_over @ fit[:, :2] @ flatten
        # The centre of the first pixel is 0, so its edge is at -0.5.
        self._shift = (shift + 0.5) * zoom - 0.5 + np.array([(width - height) / 2, 0])
        self.pixels_per_unit = zoom * view.scale * np.hypot(*fit[:, 0])
        self.landmarks = self.project(landmarks)

    def project(self, points):
        """Points of the head, (N, 3), in the picture: (N, 2)."""
        return points @ self._matrix.T + self._shift


def face_landmarks(identity, view=None, size=CROP):
    """Where the eyes, the nose tip and the mouth corners are drawn: float64 (5, 2), (x, y) in pixels.

    The order is `face_alignment`'s; ``view`` defaults to the neutral one. A picture of another size is the 112 x 112
    one scaled by height, then cut or extended equally at both sides.
    """
    return Pose(identity, view or FaceView(), size).landmarks


def _head_landmarks(identity, view):
    """The five landmarks in the head's frame, float64 (5, 3)."""
    eye_x, eye_y = identity.eye_distance / 2, -identity.nose_length
    mouth_x, mouth_y = mouth_corner(identity, view)
    points = on_face([(-eye_x, eye_y), (eye_x, eye_y), (0, 0), (-mouth_x, mouth_y), (mouth_x, mouth_y)])
    points[2, 2] = identity.nose_height
    return points


def mouth_corner(identity, view):
    """(x, y) of the right corner of the mouth."""
    return identity.mouth_width / 2 + 1.4 * view.smile, identity.mouth_y - 2.2 * view.smile


def on_face(points, lift=0.0):
    """Points (N, 2) raised to the face, a shallow bowl without a nose, and by ``lift`` above it: (N, 3)."""
    placed = np.empty((len(points), 3))
    placed[:, :2] = points
    placed[:, 2] = np.square(points) @ (-0.015, -0.004) + lift
    return placed
