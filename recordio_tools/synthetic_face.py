"""Drawings of made-up aligned faces: a seeded person, and as many different pictures of that person as wanted.

They stand in for photographs in demonstrations and tests, where real faces may not be shipped. A head is a shallow
relief in a frame of its own (x right, y down, z towards the viewer, the nose tip at the origin, lengths in pixels of
a 112 x 112 crop). It is turned by the pose, then moved by the similarity transform that best fits its five landmarks
to InsightFace's template, as an aligner would do; what misalignment remains is part of the view.

The same identity and view give the same pixels under any NumPy with one build of OpenCV.
"""

from dataclasses import dataclass, field, fields

import cv2
import numpy as np

from insightrec.recordio_tools.face_alignment import similarity, template
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb

CROP = (112, 112)  # (height, width) in whose pixels lengths are
SUPERSAMPLE = 2  # shapes are drawn at twice the size and averaged down
SUBPIXEL_BITS = 4  # OpenCV takes outlines in 1/16 pixel
CLIP_SIGMA = 2.2  # no caricatures

SKIN_TONES = ((76, 48, 38), (120, 78, 56), (178, 124, 90), (222, 176, 146), (240, 208, 186))
HAIR_TONES = ((24, 20, 20), (58, 38, 28), (104, 68, 42), (156, 112, 66), (212, 178, 120))
IRIS_TONES = ((52, 32, 22), (104, 68, 34), (108, 110, 62), (82, 122, 146), (134, 158, 172))
FRAME_TONES = ((20, 20, 24), (90, 50, 30), (170, 150, 120))  # of glasses
GREY_HAIR, RED_HAIR, LIP_RED = (176, 174, 172), (150, 66, 30), (176, 62, 66)
EYE_WHITE, EYE_GLINT, PUPIL, GLASS = (228, 224, 220), (250, 250, 250), (14, 12, 12), (235, 240, 245)
MOUTH_INSIDE, TEETH = (70, 26, 28), (218, 214, 206)

ACROSS = np.linspace(-1, 1, 15)  # along a lid, a brow or a lip
BRUSH = 0.5 * np.cos(1.42 * ACROSS)  # half a stroke's width
_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.column_stack([np.cos(_TURN), np.sin(_TURN)])
MIRROR = np.array([-1, 1])
# Weights of four neighbouring points at six steps from the second to the third.
_STEP = np.arange(6)[:, None] / 6
CATMULL_ROM = _STEP ** (0, 1, 2, 3) @ np.array([(0, 2, 0, 0), (-1, 0, 1, 0), (2, -5, 4, -1), (-1, 3, -3, 1)]) / 2


def factor(mean, spread):
    """A field sampled from the normal distribution (mean, spread), cut at `CLIP_SIGMA`; the mean is its default."""
    return field(default=mean, metadata={"spread": spread})


def _sample(kind, rng):
    draws = np.clip(rng.standard_normal(len(fields(kind))), -CLIP_SIGMA, CLIP_SIGMA)
    texture = int(rng.integers(1 << 31))
    values = {f.name: f.default + f.metadata["spread"] * float(z) for f, z in zip(fields(kind), draws) if f.metadata}
    return kind(texture_seed=texture, **values)


@dataclass(frozen=True)
class FaceIdentity:
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

    @classmethod
    def sample(cls, rng):
        """A person drawn from ``rng``, a `numpy.random.Generator`."""
        return _sample(cls, rng)


@dataclass(frozen=True)
class FaceView:
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

    @classmethod
    def sample(cls, rng):
        """A view drawn from ``rng``, a `numpy.random.Generator`."""
        return _sample(cls, rng)


def person_rng(seed, person, picture=None):
    """The generator of one person's identity or, with ``picture``, of that picture's view.

    It depends on its arguments only, so a picture is the same however many others are drawn.
    """
    key = (person,) if picture is None else (person, picture)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_face(identity, rng, size=CROP):
    """A picture of ``identity`` in a view drawn from ``rng``; uint8 RGB (H, W, 3), ``size`` is (H, W)."""
    return render_face(identity, FaceView.sample(rng), size)


def face_landmarks(identity, view=None, size=CROP):
    """Where the eyes, the nose tip and the mouth corners are drawn: float64 (5, 2), (x, y) in pixels.

    The order is `face_alignment`'s; ``view`` defaults to the neutral one. A picture of another size is the 112 x 112
    one scaled by height, then cut or extended equally at both sides.
    """
    return _Pose(identity, view or FaceView(), size).landmarks


def render_face(identity, view, size=CROP):
    """The picture of ``identity`` in ``view``; uint8 RGB (H, W, 3), ``size`` is (H, W)."""
    rng = np.random.default_rng(view.texture_seed)
    canvas = _Canvas(_Pose(identity, view, size), _background(rng, size))
    _paint_head(canvas, identity, view)
    _paint_eyes(canvas, identity, view)
    _paint_nose(canvas, identity)
    _paint_beard(canvas, identity)
    _paint_mouth(canvas, identity, view)
    _paint_skin_marks(canvas, identity)
    _paint_hair(canvas, identity, view)
    if identity.glasses > 0 and view.glasses_off <= 0:
        _paint_glasses(canvas, identity)
    return _photograph(_light(*canvas.shrunk(), identity, view, canvas.pose), view, rng)


class _Pose:
    """From the head's frame to pixels of the picture: an affine map, (N, 3) to (N, 2)."""

    def __init__(self, identity, view, size):
        yaw, pitch, roll = np.deg2rad([view.yaw_deg, view.pitch_deg, view.roll_deg])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        flatten = (nod @ turn)[:2]
        landmarks, reference = _landmarks(identity, view), template(CROP)
        fit = similarity(landmarks @ flatten.T, reference)
        left_over = view.scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        center = reference.mean(axis=0)
        shift = left_over @ (fit[:, 2] - center) + center + (view.shift_x, view.shift_y)

        height, width = size
        zoom = height / CROP[0]
        self._matrix = zoom * left_over @ fit[:, :2] @ flatten
        # The centre of the first pixel is 0, so its edge is at -0.5.
        self._shift = (shift + 0.5) * zoom - 0.5 + np.array([(width - height) / 2, 0])
        self.pixels_per_unit = zoom * view.scale * np.hypot(*fit[:, 0])
        self.landmarks = self.project(landmarks)

    def project(self, points):
        return points @ self._matrix.T + self._shift


class _Canvas:
    """The picture before lighting, `SUPERSAMPLE` times too large, and the figure's coverage of it (0..255)."""

    def __init__(self, pose, background):
        self.pose = pose
        self.size = background.shape[1::-1]
        self.image = cv2.resize(background, None, fx=SUPERSAMPLE, fy=SUPERSAMPLE, interpolation=cv2.INTER_LINEAR)
        self.figure = np.zeros(self.image.shape[:2], np.uint8)

    def paint(self, color, *outlines, lift=0.0, opacity=1.0, softness=0.0, grain=None, figure=False):
        """Fill each outline, points (N, 2) on the face, with an RGB color.

        ``lift`` raises the outlines above the face; ``softness`` is the sigma of their edges, in the head's
        units; ``grain`` (float32, 0..1, as large as the canvas) weakens the paint; ``figure`` says that what lies
        under them is lit as part of the figure.
        """
        if opacity <= 0:
            return
        color = tuple(map(float, color))
        points = self.pose.project(_on_face(np.concatenate(outlines), lift))
        # To OpenCV's fixed point, in which the centre of the first pixel is 0.
        points = np.rint(((points + 0.5) * SUPERSAMPLE - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        if figure:
            _fill(self.figure, points, outlines, 255)
        if opacity == 1.0 and not softness and grain is None:
            _fill(self.image, points, outlines, color)
            return
        sigma = softness * SUPERSAMPLE * self.pose.pixels_per_unit
        margin = int(3 * sigma) + 2
        left, top = np.maximum((points.min(axis=0) >> SUBPIXEL_BITS) - margin, 0)
        right, bottom = np.maximum((points.max(axis=0) >> SUBPIXEL_BITS) + margin, 0)
        region = self.image[top:bottom, left:right]
        if region.size == 0:
            return
        mask = np.zeros(region.shape[:2], np.uint8)
        _fill(mask, points - np.array([left, top], np.int32) * (1 << SUBPIXEL_BITS), outlines, 255)
        weight = mask * np.float32(opacity / 255)
        if sigma:
            weight = cv2.GaussianBlur(weight, (0, 0), sigma)
        if grain is not None:
            weight *= grain[top:bottom, left:right]
        paint = cv2.rectangle(np.empty_like(region), (0, 0), weight.shape[::-1], color, cv2.FILLED)
        region[:] = cv2.blendLinear(region, paint, 1 - weight, weight)

    def stroke(self, color, thickness, *lines, **how):
        """Paint along each line, points (len(ACROSS), 2), with a brush that thins out towards both ends."""
        outlines = []
        for line in lines:
            along = np.empty_like(line)
            along[1:-1], along[0], along[-1] = line[2:] - line[:-2], line[1] - line[0], line[-1] - line[-2]
            aside = along[:, ::-1] * MIRROR * (thickness * BRUSH / np.hypot(*along.T))[:, None]
            outlines.append(np.concatenate([line + aside, (line - aside)[::-1]]))
        self.paint(color, *outlines, **how)

    def shrunk(self):
        """The picture (H, W, 3) and the figure's coverage (H, W), both uint8."""
        return [cv2.resize(plane, self.size, interpolation=cv2.INTER_AREA) for plane in (self.image, self.figure)]


def _fill(plane, points, outlines, color):
    start = 0
    for outline in outlines:
        cv2.fillPoly(plane, [points[start : start + len(outline)]], color, cv2.LINE_AA, SUBPIXEL_BITS)
        start += len(outline)


def _on_face(points, lift=0.0):
    """Give points (N, 2) the depth of the face there: a shallow bowl, the nose not included; (N, 3)."""
    placed = np.empty((len(points), 3))
    placed[:, :2] = points
    placed[:, 2] = np.square(points) @ (-0.015, -0.004) + lift
    return placed


def _landmarks(identity, view):
    eye, (corner_x, corner_y) = identity.eye_distance / 2, _mouth_corner(identity, view)
    eye_y = -identity.nose_length
    points = _on_face([(-eye, eye_y), (eye, eye_y), (0, 0), (-corner_x, corner_y), (corner_x, corner_y)])
    points[2, 2] = identity.nose_height
    return points


def _mouth_corner(identity, view):
    return identity.mouth_width / 2 + 1.4 * view.smile, identity.mouth_y - 2.2 * view.smile


def _curve(points):
    """A closed Catmull-Rom curve through ``points`` (N, 2); returns (6 N, 2)."""
    points = np.asarray(points, dtype=np.float64)
    neighbours = np.arange(len(points))[:, None] + (-1, 0, 1, 2)
    return (CATMULL_ROM @ points[neighbours % len(points)]).reshape(-1, 2)


def _symmetric(half):
    """A closed outline from its right half, whose first and last points lie on the axis."""
    half = np.asarray(half, dtype=np.float64)
    return np.concatenate([half, half[-2:0:-1] * MIRROR])


def _both_sides(points):
    points = np.asarray(points, dtype=np.float64)
    return points, points * MIRROR


def _band(x, above, below):
    """The closed outline between two lines over the same ``x``."""
    return np.column_stack([np.concatenate([x, x[::-1]]), np.concatenate([above, below[::-1]])])


def _ellipse(center, radii):
    return CIRCLE * radii + center


def _tone(tones, position):
    """The RGB color at ``position`` (0..1) of a ramp of colors."""
    position = min(max(position, 0), 1) * (len(tones) - 1)
    first = min(int(position), len(tones) - 2)
    return _mix(tones[first], tones[first + 1], position - first)


def _mix(color, other, weight):
    color = np.asarray(color, dtype=np.float64)
    return color + (other - color) * min(max(weight, 0), 1)


def _skin(identity):
    red = identity.skin_red
    return np.clip(_tone(SKIN_TONES, identity.skin_tone) + np.array([red, -red / 2, -red]), 0, 255)


def _hair_color(identity):
    return _mix(_mix(_tone(HAIR_TONES, identity.hair_tone), RED_HAIR, identity.hair_red), GREY_HAIR, identity.hair_grey)


def _background(rng, size):
    """A few blurred patches around one color."""
    height, width = size
    patches = 0.5 * rng.integers(0, 256, (4, 4, 3)) + 0.5 * rng.integers(0, 256, 3)
    return cv2.resize(patches.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def _grain(seed, shape, cell, stretch=1):
    """float32 noise, 0..1, over a canvas of ``shape``, in grains ``cell`` wide and ``stretch`` times as high."""
    height, width = shape[:2]
    rows, columns = int(height / cell / stretch) + 2, int(width / cell) + 2
    coarse = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def _paint_head(canvas, identity, view):
    skin, hair = _skin(identity), _hair_color(identity)
    ear = _ellipse((identity.head_width + 1, -9), (0.5 * identity.ear_size, identity.ear_size))
    canvas.paint(skin * 0.92, *_both_sides(ear), figure=True)
    canvas.paint(skin * 0.6, *_both_sides((ear - ear.mean(axis=0)) * 0.6 + ear.mean(axis=0)), softness=1.0, opacity=0.6)
    side = identity.head_width + 1.5 + 0.6 * max(identity.hair_volume, 0)
    end = identity.hair_length + view.hair_shift
    curtain = [(0, -84), (side - 8, -70), (side, -40), (side + 1, (end - 40) / 2), (side - 1, end), (0, end + 6)]
    canvas.paint(hair * 0.75, _curve(_symmetric(curtain)), figure=True)
    canvas.paint(skin * 0.7, [(-27, 20), (27, 20), (33, 90), (-33, 90)], lift=-14, figure=True)
    canvas.paint(skin, _head_outline(identity), figure=True)
    canvas.paint(_mix(skin, LIP_RED, 0.5), *_both_sides(_ellipse((24, 6), (9, 8))), opacity=0.25, softness=4.0)


def _head_outline(identity):
    i = identity
    half = [
        (0, -84),
        (i.head_width * 0.62, -76),
        (i.head_width * 0.95, -52),
        (i.head_width, -24),
        (i.cheek_width, 0),
        (i.jaw_width, 21),
        ((i.jaw_width + 1.6 * i.chin_width) / 2.4, 0.5 * (18 + i.chin_y)),
        (i.chin_width * 0.8, i.chin_y - 2.5),
        (0, i.chin_y),
    ]
    return _curve(_symmetric(half))


def _paint_eyes(canvas, identity, view):
    skin, hair = _skin(identity), _hair_color(identity)
    t, bulge = ACROSS, 1 - ACROSS**2
    opening = identity.eye_height * min(max(1 - view.eye_closure, 0.15), 1.1)
    center = np.array([identity.eye_distance / 2, -identity.nose_length])
    # One eye, the right one in the picture; t runs from its inner to its outer corner.
    x = center[0] + t * identity.eye_width / 2
    level = center[1] - identity.eye_tilt * t
    upper = level - 0.62 * opening * (1 - np.abs(t) ** 2.2)
    lower = level + 0.38 * opening * bulge
    socket = _both_sides(_ellipse(center - (0, 1), (11, 7)))
    canvas.paint(skin * 0.6, *socket, opacity=0.3 * identity.eye_depth, softness=3)
    crease = np.column_stack([x, upper - identity.lid_crease])
    canvas.stroke(skin * 0.5, 1.2, *_both_sides(crease), opacity=0.6, softness=0.4)
    bag = np.column_stack([x, lower + 2.4 + bulge])
    canvas.stroke(skin * 0.6, 1.4, *_both_sides(bag), opacity=min(identity.age, 0.9), softness=0.7)
    canvas.paint(EYE_WHITE, *_both_sides(_band(x, upper, lower)))

    pupils = [center * side + (view.gaze_x, view.gaze_y - 0.12 * opening) for side in ((-1, 1), (1, 1))]
    for radius, color in ((1.0, _tone(IRIS_TONES, identity.iris_tone)), (0.48, PUPIL)):
        discs = [_ellipse(pupil, radius * identity.iris_size) for pupil in pupils]
        for disc in discs:
            across = np.abs(disc[:, 0])
            disc[:, 1] = np.clip(disc[:, 1], np.interp(across, x, upper), np.interp(across, x, lower))
        canvas.paint(color, *discs)
    canvas.paint(EYE_GLINT, *(_ellipse(pupil - (-1.1, 1.1), 0.7) for pupil in pupils))
    canvas.stroke(skin * 0.22, 1.5, *_both_sides(np.column_stack([x, upper])))
    canvas.stroke(skin * 0.5, 0.8, *_both_sides(np.column_stack([x, lower])), opacity=0.7)

    brow_y = center[1] - identity.brow_gap - view.brow_raise - identity.brow_tilt * t
    brow_y -= identity.brow_arch * (1 - (t - 0.3) ** 2)
    brow = np.column_stack([center[0] + 1 + t * identity.brow_length / 2, brow_y])
    thickness = max(identity.brow_thickness, 0.8)
    canvas.stroke(hair * 0.7, thickness, *_both_sides(brow), opacity=0.9, softness=0.5)


def _paint_nose(canvas, identity):
    skin, half, way = _skin(identity), identity.nose_width / 2, (ACROSS + 1) / 2
    nostril = _ellipse((half * 0.52, 4.2), (half * 0.3, 1.3))
    canvas.paint(skin * 0.3, *_both_sides(nostril), lift=5, opacity=0.8, softness=0.6)
    angle = 1.3 * ACROSS
    wing = np.column_stack([half - 2.5 + 2.5 * np.cos(angle), 1.5 + 3.4 * np.sin(angle)])
    canvas.stroke(skin * 0.5, 1.6, *_both_sides(wing), lift=3, opacity=0.65, softness=0.7)
    fold_x = half + 2 + (identity.mouth_width / 2 + 3 - half) * way + 1.5 * np.sin(np.pi * way)
    fold = np.column_stack([fold_x, (identity.mouth_y - 3) * way - 1])
    canvas.stroke(skin * 0.55, 1.8, *_both_sides(fold), opacity=min(identity.age, 0.8), softness=1.0)


def _paint_beard(canvas, identity):
    hair, y = _hair_color(identity) * 0.85, identity.mouth_y
    if identity.beard <= 0 and identity.moustache <= 0:
        return
    grain = 0.5 + 0.5 * _grain(identity.texture_seed, canvas.image.shape, cell=1.5)
    if identity.beard > 0:
        inner = identity.mouth_width / 2 + 4
        outside = _head_outline(identity)
        jaw = outside[outside[:, 1] > -8]
        mouth = [(-inner - 5, y - 10), (-inner, y + 3), (0, y + 9), (inner, y + 3), (inner + 5, y - 10)]
        opacity = min(0.25 + identity.beard, 0.95)
        canvas.paint(hair, np.concatenate([jaw, mouth]), opacity=opacity, softness=1.5, grain=grain)
    if identity.moustache > 0:
        half, y = identity.mouth_width / 2 + 2, y - identity.upper_lip
        patch = _symmetric([(0, y - 5), (half * 0.6, y - 4.5), (half, y + 1.5), (half * 0.6, y), (0, y)])
        opacity = min(0.25 + identity.moustache, 0.95)
        canvas.paint(hair, patch, opacity=opacity, softness=0.8, grain=grain)


def _paint_mouth(canvas, identity, view):
    skin = _skin(identity)
    lip = _mix(skin, LIP_RED, identity.lip_red)
    corner_x, corner_y = _mouth_corner(identity, view)
    gap, t, bulge = max(view.mouth_opening, 0), ACROSS, 1 - ACROSS**2
    x = t * corner_x
    seam = corner_y + (identity.mouth_y + 0.8 - corner_y) * bulge
    above, below = seam - 0.25 * gap * bulge, seam + 0.75 * gap * bulge
    top = above - max(identity.upper_lip, 1) * (bulge - 0.28 * identity.lip_bow * np.exp(-((t / 0.14) ** 2)))
    bottom = below + max(identity.lower_lip, 1.2) * (1 - np.abs(t) ** 2.5)
    shade = _ellipse((0, bottom.max() + 2.4), (corner_x * 0.5, 1.6))
    canvas.paint(skin * 0.55, shade, opacity=0.3, softness=1.2)
    canvas.paint(lip * 0.88, _band(x, top, above), lift=2, softness=0.5)
    canvas.paint(lip, _band(x, below, bottom), lift=2, softness=0.5)
    if gap > 0.3:
        canvas.paint(MOUTH_INSIDE, _band(x, above, below), lift=2)
        canvas.paint(TEETH, _band(0.8 * x, above, np.minimum(above + 1.8, below)), lift=2, softness=0.3)
    canvas.stroke(lip * 0.35, 1.2, np.column_stack([x, above]), lift=2, opacity=0.75)


def _paint_skin_marks(canvas, identity):
    skin = _skin(identity)
    if identity.freckles > 0:
        spots = np.random.default_rng(identity.texture_seed).uniform((-30, -12), (30, 12), (36, 2))
        canvas.paint(skin * 0.65, *(CIRCLE[::3] * 0.6 + spot for spot in spots), opacity=min(identity.freckles, 0.8))
    if identity.mole > 0:
        mole = _ellipse((identity.mole_x, identity.mole_y), 0.7 + 0.5 * identity.mole)
        canvas.paint(skin * 0.35, mole, opacity=0.85, softness=0.3)


def _paint_hair(canvas, identity, view):
    hair = _hair_color(identity)
    line, curve, slope = identity.hairline_y, identity.hairline_curve, identity.hair_slope
    part = identity.hair_parting + view.hair_shift
    outer = identity.head_width + 0.5 * max(identity.hair_volume, 0.5)
    temple = identity.head_width - 3
    end = min(max(0.5 * identity.hair_length - 18, line + 16), 12) + view.hair_shift
    left_to_right = [
        (-temple, end - 4),
        (-temple + 2, line + curve - slope),
        (-0.6 * temple + 0.3 * part, line + 0.2 * curve - slope / 2),
        (part, line - 0.4 * curve),
        (0.6 * temple + 0.3 * part, line + 0.2 * curve + slope / 2),
        (temple - 2, line + curve + slope),
        (temple, end - 4),
    ]
    right_to_left = [(outer - 1, end), (outer, -44), (0.7 * outer, -80), (0, -92)]
    right_to_left += [(-x, y) for x, y in right_to_left[2::-1]]
    outline = _curve(left_to_right + right_to_left)
    strands = _grain(identity.texture_seed, canvas.image.shape, cell=4, stretch=10)
    canvas.paint(hair, outline, lift=1, figure=True)
    canvas.paint(np.minimum(hair * 1.4 + 16, 255), outline, lift=1, softness=1.5, grain=strands, opacity=0.7)


def _paint_glasses(canvas, identity):
    color = _tone(FRAME_TONES, identity.glasses_tone)
    corners = 2 / min(max(2.8 - identity.glasses_round, 2), 5)  # the superellipse's power: from round to boxy
    rim = np.sign(CIRCLE) * np.abs(CIRCLE) ** corners
    center = np.array([identity.eye_distance / 2 + 0.5, 1 - identity.nose_length])
    outside, inside = rim * (12.5, 9.0) + center, rim * (11.3, 7.8) + center
    canvas.paint(GLASS, *_both_sides(outside), lift=3, opacity=0.12)
    frame = np.concatenate([outside, outside[:1], inside[:1], inside[::-1]])
    hinge, ear = center[0] + 12, identity.head_width
    arm = [(hinge, center[1] - 2), (ear, center[1] - 3), (ear, center[1] - 1.8), (hinge, center[1] - 0.8)]
    canvas.paint(color, *_both_sides(frame), *_both_sides(arm), lift=3)
    reach = identity.eye_distance / 2 - 11
    bridge = _band(reach * ACROSS, 1.5 * ACROSS**2 - 1.5, 1.5 * ACROSS**2)
    canvas.paint(color, bridge - (0, identity.nose_length + 1), lift=6)


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


def _light(drawn, coverage, identity, view, pose):
    """Light the figure as Lambert's law has it, with a little gloss, and color all light; float64 (H, W, 3)."""
    height, width = coverage.shape
    x, y, sigma_x, sigma_y, out = _relief(identity).T
    centers = pose.project(_on_face(np.column_stack([x, y]), lift=0.5 * out))
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

    azimuth, elevation = np.deg2rad([view.light_azimuth_deg, view.light_elevation_deg])
    light = np.array([np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    halfway = light + np.array([0, 0, 1])  # between the light and the viewer, where gloss is seen
    halfway /= np.linalg.norm(halfway)
    steepness = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)

    def facing(direction):
        return np.maximum((direction[2] - direction[0] * slope_x - direction[1] * slope_y) * steepness, 0)

    contrast = min(max(view.light_contrast, 0.05), 0.75)
    coverage = coverage / 255.0
    shade = 1 + coverage * contrast * (1.2 * facing(light) - 1)
    gloss = 24 * contrast * coverage * np.square(np.square(np.square(np.square(facing(halfway)))))
    tint = np.exp(view.exposure + np.array([view.warmth, view.green, -view.warmth]))
    return (drawn * shade[..., None] + gloss[..., None]) * tint


def _photograph(image, view, rng):
    """Blur, noise and JPEG's losses: float64 (H, W, 3) to uint8."""
    if view.blur > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), view.blur)
    if view.noise > 0:
        image = image + view.noise * rng.standard_normal(image.shape)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return decode_rgb(encode_rgb(pixels, ".jpg", int(min(max(view.jpeg_quality, 35), 98))), "drawn face")
