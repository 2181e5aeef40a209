"""The factors of a drawn face: what makes a person, and what makes one picture of that person."""

from dataclasses import dataclass, field, fields

import numpy as np

CLIP_SIGMA = 2.2  # no caricatures


def factor(mean, spread):
    """A field sampled from the normal distribution (mean, spread), cut at `CLIP_SIGMA`; the mean is its default."""
    return field(default=mean, metadata={"spread": spread})


class _Factors:
    """Base of a dataclass whose fields are factors and, last, ``texture_seed``."""

    @classmethod
    def sample(cls, rng):
        """Values drawn from ``rng``, a `numpy.random.Generator`."""
        draws = np.clip(rng.standard_normal(len(fields(cls))), -CLIP_SIGMA, CLIP_SIGMA)
        texture = int(rng.integers(1 << 31))
        values = {f.name: f.default + f.metadata["spread"] * float(z) for f, z in zip(fields(cls), draws) if f.metadata}
        return cls(texture_seed=texture, **values)


@dataclass(frozen=True)
class FaceIdentity(_Factors):
    """What stays the same from picture to picture of one person.

    Lengths are in pixels of the 112 x 112 crop, tones run from 0 (dark) to 1 (light), the rest is as noted. The
    defaults are the average face. What not everyone has (a beard, glasses, ...) shows where its factor is above 0.
    """

    skin_tone: float = factor(0.68, 0.26)
    skin_red: float = factor(0.0, 8.0)  # in levels of 255
    head_width: float = factor(43.0, 2.4)  # half, at the temples
    cheek_width: float = factor(40.5, 2.4)
    jaw_width: float = factor(33.0, 3.2)
    chin_width: float = factor(15.0, 2.6)
    chin_y: float = factor(42.0, 3.0)
    eye_distance: float = factor(35.2, 2.0)
    eye_width: float = factor(15.0, 1.3)
    eye_height: float = factor(6.4, 1.0)
    eye_tilt: float = factor(0.5, 1.2)  # how much higher the outer corner is
    eye_depth: float = factor(1.0, 0.35)  # of the socket, relative
    iris_size: float = factor(3.6, 0.3)
    iris_tone: float = factor(0.3, 0.32)
    lid_crease: float = factor(3.0, 1.1)
    brow_gap: float = factor(9.5, 1.5)
    brow_length: float = factor(19.0, 1.8)
    brow_arch: float = factor(2.2, 1.1)
    brow_tilt: float = factor(0.6, 1.3)
    brow_thickness: float = factor(3.0, 0.9)
    nose_length: float = factor(20.1, 2.0)
    nose_width: float = factor(15.5, 2.0)
    nose_bridge: float = factor(4.4, 0.8)
    nose_height: float = factor(11.0, 2.0)
    nose_tip: float = factor(5.2, 0.8)
    mouth_y: float = factor(20.5, 1.7)
    mouth_width: float = factor(29.2, 2.4)
    upper_lip: float = factor(3.4, 0.9)
    lower_lip: float = factor(4.4, 1.0)
    lip_bow: float = factor(1.2, 0.6)
    lip_red: float = factor(0.45, 0.16)  # 0 skin .. 1 red
    cheekbone: float = factor(1.0, 0.4)
    hair_tone: float = factor(0.32, 0.28)
    hair_grey: float = factor(-0.5, 0.6)
    hair_red: float = factor(-0.5, 0.5)
    hairline_y: float = factor(-54.0, 7.0)
    hairline_curve: float = factor(11.0, 6.0)
    hair_parting: float = factor(0.0, 14.0)
    hair_slope: float = factor(0.0, 5.0)
    hair_volume: float = factor(5.0, 3.0)
    hair_length: float = factor(0.0, 26.0)  # y where the hair at the sides ends
    ear_size: float = factor(9.5, 1.5)
    beard: float = factor(-0.6, 0.7)
    moustache: float = factor(-0.5, 0.7)
    glasses: float = factor(-1.0, 1.0)
    glasses_round: float = factor(0.0, 1.0)
    glasses_tone: float = factor(0.25, 0.3)
    age: float = factor(0.25, 0.4)  # strength of folds
    freckles: float = factor(-0.8, 0.8)
    mole: float = factor(-0.1, 1.0)
    mole_x: float = factor(0.0, 16.0)
    mole_y: float = factor(4.0, 16.0)
    texture_seed: int = 0


@dataclass(frozen=True)
class FaceView(_Factors):
    """What differs between pictures of one person. The defaults are the neutral view: frontal, lit from above."""

    yaw_deg: float = factor(0.0, 13.0)
    pitch_deg: float = factor(0.0, 7.0)
    roll_deg: float = factor(0.0, 2.0)  # what the aligner left
    scale: float = factor(1.0, 0.025)
    shift_x: float = factor(0.0, 1.2)
    shift_y: float = factor(0.0, 1.2)
    smile: float = factor(0.2, 0.5)
    mouth_opening: float = factor(0.0, 2.4)  # open where above 0
    eye_closure: float = factor(0.0, 0.2)
    brow_raise: float = factor(0.0, 1.2)
    gaze_x: float = factor(0.0, 1.0)
    gaze_y: float = factor(0.0, 0.4)
    hair_shift: float = factor(0.0, 2.0)
    glasses_off: float = factor(-1.0, 0.7)  # taken off where above 0
    light_azimuth_deg: float = factor(0.0, 32.0)
    light_elevation_deg: float = factor(25.0, 18.0)
    light_contrast: float = factor(0.45, 0.18)  # 0 even .. 1 from the one direction only
    exposure: float = factor(-0.06, 0.15)  # log of the gain
    warmth: float = factor(0.0, 0.09)
    green: float = factor(0.0, 0.03)
    blur: float = factor(0.0, 0.7)  # sigma in pixels, where above 0
    noise: float = factor(0.0, 4.0)  # sigma in levels of 255, where above 0
    jpeg_quality: float = factor(80.0, 16.0)
    texture_seed: int = 0


def person_rng(seed, person, picture=None):
    """The generator of one person's identity or, with ``picture``, of that picture's view.

    It depends on its arguments only, so a picture is the same however many others are drawn.
    """
    key = (person,) if picture is None else (person, picture)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
