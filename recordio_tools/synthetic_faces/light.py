"""Light on a drawn face: the relief it falls on, and Lambert's law."""

import numpy as np

from insightrec.recordio_tools.synthetic_faces.pose import on_face


def light_face(drawn, coverage, identity, view, pose):
    """Light the figure as Lambert's law has it, with a little gloss, then color all light.

    Args:
        drawn: the picture, uint8 RGB (H, W, 3).
        coverage: the figure's coverage of it, uint8 (H, W), 0..255.
        pose: `Pose` of the head.

    Returns:
        float64 (H, W, 3).
    """
    slope_x, slope_y = _slopes(identity, pose, coverage.shape)
    steepness = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)

    def facing(direction):
        return np.maximum((direction[2] - direction[0] * slope_x - direction[1] * slope_y) * steepness, 0)

    azimuth, elevation = np.deg2rad([view.light_azimuth_deg, view.light_elevation_deg])
    light = np.array([np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    halfway = light + np.array([0, 0, 1])  # between the light and the viewer, where gloss is seen
    halfway /= np.linalg.norm(halfway)
    contrast = min(max(view.light_contrast, 0.05), 0.75)
    covered = coverage / 255.0
    shade = 1 + covered * contrast * (1.2 * facing(light) - 1)
    # The 16th power by squares: np.power may round differently from one NumPy to the next.
    gloss = 24 * contrast * covered * np.square(np.square(np.square(np.square(facing(halfway)))))
    tint = np.exp(view.exposure + np.array([view.warmth, view.green, -view.warmth]))
    return (drawn * shade[..., None] + gloss[..., None]) * tint


def _relief(identity):
    """Bumps of the face for the light, one a row: x, y, the two sigmas, and how far it stands out."""
    i = identity
    eye, eye_y, stand = i.eye_distance / 2, -i.nose_length, i.nose_height / 11
    paired = [
        (eye, eye_y - 1, 7.5, 5.0, -2.6 * i.eye_depth),
        (eye, eye_y, 4.5, 3.0, 1.2),
        (eye - 1, eye_y - i.brow_gap, 10.0, 3.5, 1.6 * i.eye_depth),
        (i.cheek_width * 0.62, -3.0, 9.0, 8.0, 2.6 * i.cheekbone),
        (i.nose_width * 0.38, 2.0, 2.4, 2.6, 1.3 * stand),
    ]
    single = [
        (0.0, eye_y * 0.95, i.nose_bridge * 0.8, 6.0, 1.8 * stand),
        (0.0, eye_y * 0.55, i.nose_bridge, 6.0, 3.2 * stand),
        (0.0, -3.0, i.nose_bridge, 4.5, 3.4 * stand),
        (0.0, 0.5, i.nose_tip, 3.6, 3.2 * stand),
        (0.0, i.mouth_y - i.upper_lip - 2, 2.0, 3.0, -0.7),
        (0.0, i.mouth_y - 1.5, i.mouth_width * 0.3, 2.2, 1.0),
        (0.0, i.mouth_y + 2.8, i.mouth_width * 0.25, 2.4, 1.5),
        (0.0, i.mouth_y + 9, 8.0, 2.6, -1.2),
        (0.0, i.chin_y - 6, i.chin_width * 0.6, 5.5, 2.2),
        (0.0, -46.0, 24.0, 12.0, 1.5),
    ]
    return np.array(paired + [(-x, *rest) for x, *rest in paired] + single)


def _slopes(identity, pose, shape):
    """How the relief's depth changes along x and along y, each float64 ``shape``."""
    height, width = shape
    x, y, sigma_x, sigma_y, out = _relief(identity).T
    centers = pose.project(on_face(np.column_stack([x, y]), lift=0.5 * out))
    # A Gaussian is one in x times one in y, so the slopes of all bumps together are two matrix products.
    u = (np.arange(width) - centers[:, :1]) / (sigma_x * pose.pixels_per_unit)[:, None]
    v = (np.arange(height) - centers[:, 1:]) / (sigma_y * pose.pixels_per_unit)[:, None]
    across, down = np.exp(-0.5 * u**2), np.exp(-0.5 * v**2) * out[:, None]
    slope_x = down.T @ (-u * across / sigma_x[:, None])
    slope_y = (-v * down / sigma_y[:, None]).T @ across
    # The head itself is a ball that the bumps stand on.
    middle = pose.project(np.array([(0.0, -14.0, -25.0)]))[0]
    slope_x -= (np.arange(width) - middle[0]) / (52 * pose.pixels_per_unit)
    slope_y -= ((np.arange(height) - middle[1]) / (75 * pose.pixels_per_unit))[:, None]
    return slope_x, slope_y
