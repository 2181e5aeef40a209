"""Colors of drawn faces: RGB, 0..255, as tuples or float64 (3,)."""

import numpy as np

SKIN_TONES = ((76, 48, 38), (120, 78, 56), (178, 124, 90), (222, 176, 146), (240, 208, 186))
HAIR_TONES = ((24, 20, 20), (58, 38, 28), (104, 68, 42), (156, 112, 66), (212, 178, 120))
IRIS_TONES = ((52, 32, 22), (104, 68, 34), (108, 110, 62), (82, 122, 146), (134, 158, 172))
FRAME_TONES = ((20, 20, 24), (90, 50, 30), (170, 150, 120))  # of glasses
GREY_HAIR, RED_HAIR = (176, 174, 172), (150, 66, 30)
EYE_WHITE, EYE_GLINT, PUPIL, GLASS = (228, 224, 220), (250, 250, 250), (14, 12, 12), (235, 240, 245)
LIP_RED, MOUTH_INSIDE, TEETH = (176, 62, 66), (70, 26, 28), (218, 214, 206)


def mix(color, other, weight):
    """``color`` at weight 0 or less, ``other`` at 1 or more."""
    color = np.asarray(color, dtype=np.float64)
    return color + (other - color) * min(max(weight, 0), 1)


def tone(tones, position):
    """The color at ``position``, 0..1, of a ramp of colors; its ends beyond."""
    position = min(max(position, 0), 1) * (len(tones) - 1)
    first = min(int(position), len(tones) - 2)
    return mix(tones[first], tones[first + 1], position - first)


def skin_color(identity):
    """The color of a person's skin."""
    red = identity.skin_red
    return np.clip(tone(SKIN_TONES, identity.skin_tone) + np.array([red, -red / 2, -red]), 0, 255)


def hair_color(identity):
    """The color of a person's hair."""
    return mix(mix(tone(HAIR_TONES, identity.hair_tone), RED_HAIR, identity.hair_red), GREY_HAIR, identity.hair_grey)
