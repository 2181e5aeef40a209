"""Outlines: through the points given, mirrored where they should be, as wide as the brush."""

import numpy as np

from insightrec.recordio_tools.synthetic_faces.outlines import (
    ACROSS,
    band,
    both_sides,
    brush_stroke,
    curve,
    ellipse,
    symmetric,
)


def test_curve_is_closed_and_goes_through_its_points():
    corners = np.array([(0, 0), (10, 0), (10, 10), (0, 10)])
    smooth = curve(corners)
    assert smooth.shape == (24, 2)
    np.testing.assert_allclose(smooth[::6], corners)
    # Half-way a Catmull-Rom curve is (-a + 9 b + 9 c - d) / 16 of four points in a row.
    np.testing.assert_allclose(smooth[3::6], [(5, -1.25), (11.25, 5), (5, 11.25), (-1.25, 5)])


def test_symmetric_repeats_no_point():
    outline = symmetric([(0, -5), (3, -4), (4, 2), (0, 6)])
    assert outline.tolist() == [[0, -5], [3, -4], [4, 2], [0, 6], [-4, 2], [-3, -4]]


def test_other_side_is_the_mirror_image():
    right, left = both_sides([(3, 1), (4, -2)])
    assert right.tolist() == [[3, 1], [4, -2]]
    assert left.tolist() == [[-3, 1], [-4, -2]]


def test_band_lies_between_its_lines():
    x = np.array([0.0, 1.0, 3.0])
    assert band(x, 0 * x, 2 + 0 * x).tolist() == [[0, 0], [1, 0], [3, 0], [3, 2], [1, 2], [0, 2]]


def test_ellipse_has_its_center_and_radii():
    outline = ellipse((5, -3), (4, 2))
    np.testing.assert_allclose(outline.mean(axis=0), (5, -3))
    np.testing.assert_allclose(np.ptp(outline, axis=0), (8, 4))


def test_stroke_is_thick_in_the_middle_and_thins_out():
    slanted = np.column_stack([3 * ACROSS, 4 * ACROSS])
    outline = brush_stroke(slanted, 2.0)
    widths = np.hypot(*(outline[: len(ACROSS)] - outline[len(ACROSS) :][::-1]).T)
    assert np.argmax(widths) == len(ACROSS) // 2
    np.testing.assert_allclose(widths, 2 * np.cos(1.42 * ACROSS))
    np.testing.assert_allclose((outline[: len(ACROSS)] + outline[len(ACROSS) :][::-1]) / 2, slanted)
    across = outline[7] - slanted[7]
    assert abs(across @ (3, 4)) < 1e-9
