"""Paint on the canvas: where, how much, and how it mixes."""

import numpy as np
import pytest

from insightrec.recordio_tools.synthetic_faces.canvas import Canvas
from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity, FaceView
from insightrec.recordio_tools.synthetic_faces.pose import Pose, on_face

SIZE = (112, 112)
SQUARE = np.array([(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)])
RED, GRAY = (200, 0, 0), 100


@pytest.fixture
def canvas():
    """A gray canvas under the average face, seen from the front."""
    return Canvas(Pose(FaceIdentity(), FaceView(), SIZE), np.full((*SIZE, 3), GRAY, np.uint8))


def paint_and_look(canvas, *outlines, **how):
    """Paint red; returns how red each pixel is, 0..1, and the figure's coverage."""
    canvas.paint(RED, *outlines, **how)
    image, coverage = canvas.shrunk()
    assert image.shape == (*SIZE, 3)
    return (GRAY - image[:, :, 2].astype(float)) / GRAY, coverage


def test_square_covers_its_area_where_the_pose_has_it(canvas):
    red, coverage = paint_and_look(canvas, SQUARE)
    side = 20 * canvas.pose.pixels_per_unit
    assert side**2 < red.sum() < (side + 1) ** 2  # OpenCV draws the rim too
    rows, columns = np.mgrid[:112, :112]
    found = np.array([(red * columns).sum(), (red * rows).sum()]) / red.sum()
    np.testing.assert_allclose(found, canvas.pose.project(on_face(SQUARE)).mean(axis=0), atol=0.2)
    assert not coverage.any()


def test_figure_is_what_was_painted_as_such(canvas):
    red, coverage = paint_and_look(canvas, SQUARE, figure=True)
    np.testing.assert_allclose(coverage / 255, red, atol=0.02)


def test_opacity_and_grain_weaken_the_paint(canvas):
    half_canvas = np.ones((224, 224), np.float32)
    half_canvas[:, 112:] = 0
    red, _ = paint_and_look(canvas, SQUARE, opacity=0.5, grain=half_canvas)
    inside = red[70:74]
    np.testing.assert_allclose(inside[:, 48:56], 0.5, atol=0.02)
    assert not inside[:, 56:].any()
    assert not paint_and_look(canvas, SQUARE + 30, opacity=0.0)[0][:, 70:].any()


def test_soft_paint_spreads_and_keeps_its_amount(canvas):
    red, _ = paint_and_look(canvas, SQUARE, softness=2.0)
    side = 20 * canvas.pose.pixels_per_unit
    assert side**2 < red.sum() < (side + 1) ** 2
    assert np.count_nonzero((red > 0.05) & (red < 0.95)) > 4 * side * 3


def test_outlines_add_up_where_they_overlap(canvas):
    red, _ = paint_and_look(canvas, SQUARE, SQUARE * 0.5)
    assert red[71, 56] == 1


@pytest.mark.parametrize("softness", [0.0, 2.0])
def test_paint_outside_the_picture_is_cut(canvas, softness):
    for offset in ((1000, 0), (-1000, 0), (0, 1000), (0, -1000)):
        red, _ = paint_and_look(canvas, SQUARE + offset, softness=softness)
        assert not red.any()
    red, _ = paint_and_look(canvas, SQUARE * 100, softness=softness)
    assert (red == 1).all()


def test_grain_repeats_with_its_seed_and_has_its_size(canvas):
    fine, coarse, again = (canvas.grain(3, cell) for cell in (2, 16, 2))
    assert fine.shape == (224, 224)
    assert fine.dtype == np.float32
    assert fine.min() >= 0
    assert fine.max() <= 1
    np.testing.assert_array_equal(fine, again)
    assert np.abs(np.diff(fine)).mean() > 3 * np.abs(np.diff(coarse)).mean()
    stretched = canvas.grain(3, 4, stretch=8)
    assert np.abs(np.diff(stretched, axis=1)).mean() > 3 * np.abs(np.diff(stretched, axis=0)).mean()
