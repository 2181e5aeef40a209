"""Landmarks of drawn faces: aligned to the template, but for what the view adds."""

import numpy as np

from insightrec.recordio_tools.face_alignment import template
from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity, FaceView, person_rng
from insightrec.recordio_tools.synthetic_faces.pose import Pose, face_landmarks, on_face

TEMPLATE = template((112, 112))
LONG_NOSED = FaceIdentity(nose_length=23.0, nose_height=14.0, mouth_width=32.0)


def test_average_face_lies_on_the_template():
    np.testing.assert_allclose(face_landmarks(FaceIdentity()), TEMPLATE, atol=0.5)


def test_neutral_faces_lie_near_the_template():
    offsets = [face_landmarks(FaceIdentity.sample(person_rng(0, number))) - TEMPLATE for number in range(100)]
    assert np.abs(offsets).max() < 5
    assert 0.3 < np.std(offsets) < 2


def test_turned_head_is_aligned_to_the_template():
    """The similarity transform that best fits the landmarks to the template is the identity."""
    view = FaceView(yaw_deg=25, pitch_deg=-9, smile=0.4)
    landmarks = face_landmarks(LONG_NOSED, view)
    assert np.abs(landmarks - face_landmarks(LONG_NOSED)).max() > 1
    equations = [row for x, y in landmarks for row in ((x, -y, 1, 0), (y, x, 0, 1))]
    fit = np.linalg.lstsq(np.array(equations), TEMPLATE.ravel(), rcond=None)[0]
    np.testing.assert_allclose(fit, [1, 0, 0, 0], atol=1e-9)


def test_misalignment_moves_turns_and_scales_the_landmarks():
    aligned = face_landmarks(LONG_NOSED)
    center = TEMPLATE.mean(axis=0)
    moved = face_landmarks(LONG_NOSED, FaceView(shift_x=3, shift_y=-2))
    np.testing.assert_allclose(moved, aligned + np.array([3, -2]), atol=1e-9)
    scaled = face_landmarks(LONG_NOSED, FaceView(scale=1.1))
    np.testing.assert_allclose(scaled, center + 1.1 * (aligned - center), atol=1e-9)
    turned = face_landmarks(LONG_NOSED, FaceView(roll_deg=90))
    np.testing.assert_allclose(turned, center + (aligned - center)[:, ::-1] * (-1, 1), atol=1e-9)


def test_other_sizes_scale_by_height_and_cut_the_sides():
    landmarks = face_landmarks(LONG_NOSED)
    np.testing.assert_allclose(face_landmarks(LONG_NOSED, size=(112, 96)), landmarks - (8, 0), atol=1e-9)
    np.testing.assert_allclose(face_landmarks(LONG_NOSED, size=(224, 224)), 2 * landmarks + 0.5, atol=1e-9)


def test_what_stands_out_moves_the_way_the_head_turns():
    point = np.array([(0.0, 0.0)])
    for view, way in (
        (FaceView(yaw_deg=20), (1, 0)),
        (FaceView(yaw_deg=-20), (-1, 0)),
        (FaceView(pitch_deg=20), (0, 1)),
    ):
        pose = Pose(FaceIdentity(), view, (112, 112))
        moved = pose.project(on_face(point, lift=5)) - pose.project(on_face(point))
        step = 5 * np.sin(np.deg2rad(20)) * pose.pixels_per_unit
        np.testing.assert_allclose(moved[0], np.multiply(way, step), atol=0.05)  # the template is not quite level


def test_face_is_a_bowl():
    depths = on_face([(0, 0), (10, 0), (0, 10), (-10, -10)])[:, 2]
    np.testing.assert_allclose(depths, [0, -1.5, -0.4, -1.9])
