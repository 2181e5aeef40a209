"""Drawn faces: repeatable, told apart by person, and placed where their landmarks say."""

from dataclasses import fields, replace

import numpy as np
import pytest

from insightrec.recordio_tools.synthetic_faces.face import draw_face, render_face
from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity, FaceView, person_rng
from insightrec.recordio_tools.synthetic_faces.pose import face_landmarks

# Somebody who has all that not everyone has, in a view that shows all that not every view does.
STRIKING = FaceIdentity(beard=0.4, moustache=0.4, glasses=0.5, age=0.5, freckles=0.5, mole=0.5, texture_seed=2)
CANDID = FaceView(mouth_opening=1.0, eye_closure=0.1, blur=0.5, noise=1.0, texture_seed=2)


def person(seed, number):
    return FaceIdentity.sample(person_rng(seed, number))


def picture(seed, number, index):
    return draw_face(person(seed, number), person_rng(seed, number, index))


@pytest.mark.parametrize("size", [(112, 112), (112, 96), (56, 80)])
def test_picture_is_uint8_rgb_of_the_size_asked(size):
    image = draw_face(FaceIdentity(), person_rng(0, 0, 1), size)
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8


def test_picture_depends_on_its_own_numbers_only():
    alone = picture(7, 3, 2)
    others = {(number, index): picture(7, number, index) for number in (4, 3, 0) for index in (5, 2, 1)}
    np.testing.assert_array_equal(others[3, 2], alone)
    assert len({image.tobytes() for image in others.values()}) == len(others)


@pytest.mark.parametrize("name", [f.name for f in fields(FaceIdentity)])
def test_every_factor_of_a_person_shows(name):
    assert _shows(name, STRIKING, lambda identity: render_face(identity, CANDID))


@pytest.mark.parametrize("name", [f.name for f in fields(FaceView)])
def test_every_factor_of_a_view_shows(name):
    assert _shows(name, CANDID, lambda view: render_face(STRIKING, view))


def _shows(name, base, draw):
    spread = next(f for f in fields(base) if f.name == name).metadata.get("spread", 1)
    values = (getattr(base, name) - 2 * spread, getattr(base, name) + 2 * spread)
    low, high = (draw(replace(base, **{name: value})) for value in values)
    return (low != high).any()


@pytest.mark.parametrize("size", [(112, 112), (112, 96), (224, 224)])
@pytest.mark.parametrize("view", [FaceView(), FaceView(yaw_deg=20, shift_x=6, shift_y=-5), FaceView(roll_deg=15)])
def test_eyes_are_drawn_at_their_landmarks(view, size):
    """A pupil is the darkest spot near the eye's landmark, when the person looks straight ahead."""
    pale = FaceIdentity(skin_tone=0.9, iris_tone=0.0, brow_gap=12.0)
    gray = render_face(pale, replace(view, eye_closure=-0.1, light_contrast=0.1), size).mean(axis=2)
    unit = size[0] / 112
    rows, columns = np.mgrid[: size[0], : size[1]]
    for x, y in face_landmarks(pale, view, size)[:2]:
        near = np.hypot(columns - x, rows - y) < 6 * unit
        dark = near & (gray < gray[near].min() + 30)
        found = np.array([columns[dark].mean(), rows[dark].mean()])
        assert np.hypot(*(found - (x, y))) < 1.6 * unit


def test_person_outweighs_view():
    """The mean of six pictures is nearest to the mean of six others of the same person."""
    people = 20
    halves = np.array(
        [
            [np.mean([_gray(picture(0, number, start + index)) for index in range(6)], axis=0) for start in (0, 6)]
            for number in range(people)
        ]
    ).reshape(people, 2, -1)
    halves -= halves.mean(axis=(0, 1))
    halves /= np.linalg.norm(halves, axis=2, keepdims=True)
    nearest = np.argmax(halves[:, 0] @ halves[:, 1].T, axis=1)
    assert np.mean(nearest == np.arange(people)) >= 0.75  # by chance 0.05


def _gray(image):
    gray = image.mean(axis=2).reshape(28, 4, 28, 4).mean(axis=(1, 3))
    return (gray - gray.mean()) / gray.std()


def test_background_does_not_tell_the_person():
    """Top corners, where little of a head is, are no more alike within a person than between two."""
    corners = np.array([[_top_corners(picture(0, number, index)) for index in range(8)] for number in range(30)])
    within = corners.var(axis=1).mean()
    between = corners.mean(axis=1).var(axis=0).mean()
    assert between < 0.35 * within  # 1/8 when the person has no part in it, and some hair reaches the corners


def _top_corners(image):
    return [image[:8, :8].mean(), image[:8, -8:].mean()]
