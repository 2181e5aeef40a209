"""Colors: ramps of tones and mixtures."""

import numpy as np
import pytest

from insightrec.recordio_tools.synthetic_faces.colors import (
    GREY_HAIR,
    HAIR_TONES,
    SKIN_TONES,
    hair_color,
    mix,
    skin_color,
    tone,
)
from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity

RAMP = ((0, 0, 0), (100, 50, 10), (200, 200, 20))


@pytest.mark.parametrize(
    ("position", "color"),
    [
        (-1, RAMP[0]),
        (0, RAMP[0]),
        (0.25, (50, 25, 5)),
        (0.5, RAMP[1]),
        (0.75, (150, 125, 15)),
        (1, RAMP[2]),
        (3, RAMP[2]),
    ],
)
def test_tone_lies_on_the_ramp(position, color):
    np.testing.assert_allclose(tone(RAMP, position), color)


def test_mix_stays_between_its_colors():
    weights = {-1: (10, 20, 30), 0: (10, 20, 30), 0.5: (60, 20, 15), 1: (110, 20, 0), 2: (110, 20, 0)}
    for weight, color in weights.items():
        np.testing.assert_allclose(mix((10, 20, 30), (110, 20, 0), weight), color)


def test_average_skin_is_not_reddened_and_no_skin_leaves_the_range():
    np.testing.assert_allclose(skin_color(FaceIdentity(skin_tone=0.5)), SKIN_TONES[2])
    np.testing.assert_allclose(skin_color(FaceIdentity(skin_tone=0.5, skin_red=10)), (188, 119, 80))
    assert skin_color(FaceIdentity(skin_tone=1, skin_red=100)).tolist() == [255, 158, 86]


def test_hair_turns_grey():
    np.testing.assert_allclose(hair_color(FaceIdentity(hair_tone=1.0)), HAIR_TONES[-1])
    np.testing.assert_allclose(hair_color(FaceIdentity(hair_tone=1.0, hair_red=0.7, hair_grey=1.0)), GREY_HAIR)
