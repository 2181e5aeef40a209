"""Light on a plain gray figure: brighter towards the light, and none on the background."""

import numpy as np
import pytest

from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity, FaceView
from insightrec.recordio_tools.synthetic_faces.light import light_face
from insightrec.recordio_tools.synthetic_faces.pose import Pose

SIZE = (112, 112)
GRAY = np.full((*SIZE, 3), 100, np.uint8)
EVERYWHERE, NOWHERE = np.full(SIZE, 255, np.uint8), np.zeros(SIZE, np.uint8)


def lit(coverage=EVERYWHERE, **factors):
    identity, view = FaceIdentity(), FaceView(**{"exposure": 0.0, **factors})
    return light_face(GRAY, coverage, identity, view, Pose(identity, view, SIZE))


def test_background_is_not_shaded():
    np.testing.assert_allclose(lit(NOWHERE, light_azimuth_deg=60), GRAY)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "near", "far"),
    [
        (60, 0, np.s_[:, 56:], np.s_[:, :56]),
        (-60, 0, np.s_[:, :56], np.s_[:, 56:]),
        (0, 50, np.s_[:56], np.s_[56:]),
        (0, -50, np.s_[56:], np.s_[:56]),
    ],
)
def test_half_towards_the_light_is_brighter(azimuth, elevation, near, far):
    shades = lit(light_azimuth_deg=azimuth, light_elevation_deg=elevation)
    assert shades[near].mean() > 1.1 * shades[far].mean()


def test_contrast_sets_the_range_of_shades():
    even, harsh = (np.ptp(lit(light_contrast=contrast, light_azimuth_deg=40)) for contrast in (0.1, 0.7))
    assert harsh > 4 * even


def test_exposure_and_tint_scale_all_light():
    plain = lit(light_azimuth_deg=30)
    np.testing.assert_allclose(lit(light_azimuth_deg=30, exposure=np.log(1.5)), 1.5 * plain)
    warm = lit(light_azimuth_deg=30, warmth=0.1, green=-0.05)
    np.testing.assert_allclose(np.log(warm / plain), np.broadcast_to([0.1, -0.05, -0.1], warm.shape))
