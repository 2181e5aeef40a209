"""Outlines of the parts of a drawn face: closed polygons, float64 (N, 2), in the head's x and y."""

import numpy as np

ACROSS = np.linspace(-1, 1, 15)  # along a lid, a brow or a lip
MIRROR = np.array([-1, 1])
_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.column_stack([np.cos(_TURN), np.sin(_TURN)])
_BRUSH = 0.5 * np.cos(1.42 * ACROSS)  # half a stroke's width, relative to its thickness
# Weights of four neighbouring points at six steps from the second to the third.
_STEP = np.arange(6)[:, None] / 6
_CATMULL_ROM = _STEP ** (0, 1, 2, 3) @ np.array([(0, 2, 0, 0), (-1, 0, 1, 0), (2, -5, 4, -1), (-1, 3, -3, 1)]) / 2


def curve(points):
    """A closed Catmull-Rom curve through ``points`` (N, 2): (6 N, 2)."""
    points = np.asarray(points, dtype=np.float64)
    neighbours = np.arange(len(points))[:, None] + (-1, 0, 1, 2)
    return (_CATMULL_ROM @ points[neighbours % len(points)]).reshape(-1, 2)


def symmetric(half):
    """The outline whose right half is ``half`` (N, 2), its first and last points on the axis: (2 N - 2, 2)."""
    half = np.asarray(half, dtype=np.float64)
    return np.concatenate([half, half[-2:0:-1] * MIRROR])


def both_sides(points):
    """``points`` (N, 2) and their mirror image."""
    points = np.asarray(points, dtype=np.float64)
    return points, points * MIRROR


def band(x, above, below):
    """What lies between two lines over the same ``x`` (N,): (2 N, 2)."""
    return np.column_stack([np.concatenate([x, x[::-1]]), np.concatenate([above, below[::-1]])])


def ellipse(center, radii):
    """24 points around ``center``; ``radii`` is one number or (x, y)."""
    return CIRCLE * radii + center


def brush_stroke(line, thickness):
    """A stroke along ``line`` (len(ACROSS), 2) with a brush that thins out towards both ends."""
    along = np.empty_like(line)
    along[1:-1], along[0], along[-1] = line[2:] - line[:-2], line[1] - line[0], line[-1] - line[-2]
    aside = along[:, ::-1] * MIRROR * (thickness * _BRUSH / np.hypot(*along.T))[:, None]
    return np.concatenate([line + aside, (line - aside)[::-1]])
