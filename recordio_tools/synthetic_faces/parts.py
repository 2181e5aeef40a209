"""The parts of a drawn face, painted from back to front."""

import numpy as np

from insightrec.recordio_tools.synthetic_faces.colors import (
    EYE_GLINT,
    EYE_WHITE,
    FRAME_TONES,
    GLASS,
    IRIS_TONES,
    LIP_RED,
    MOUTH_INSIDE,
    PUPIL,
    TEETH,
    hair_color,
    mix,
    skin_color,
    tone,
)
from insightrec.recordio_tools.synthetic_faces.outlines import (
    ACROSS,
    CIRCLE,
    band,
    both_sides,
    curve,
    ellipse,
    symmetric,
)
from insightrec.recordio_tools.synthetic_faces.pose import mouth_corner


def paint_face(canvas, identity, view):
    """Paint the whole head of ``identity`` on a `Canvas`."""
    _paint_head(canvas, identity, view)
    _paint_eyes(canvas, identity, view)
    _paint_nose(canvas, identity)
    _paint_beard(canvas, identity)
    _paint_mouth(canvas, identity, view)
    _paint_skin_marks(canvas, identity)
    _paint_hair(canvas, identity, view)
    if identity.glasses > 0 and view.glasses_off <= 0:
        _paint_glasses(canvas, identity)


def _paint_head(canvas, identity, view):
    skin, hair = skin_color(identity), hair_color(identity)
    ear, ear_radii = (identity.head_width + 1, -9), identity.ear_size * np.array([0.5, 1])
    canvas.paint(skin * 0.92, *both_sides(ellipse(ear, ear_radii)), figure=True)
    canvas.paint(skin * 0.6, *both_sides(ellipse(ear, 0.6 * ear_radii)), softness=1.0, opacity=0.6)
    side = identity.head_width + 1.5 + 0.6 * max(identity.hair_volume, 0)
    end = identity.hair_length + view.hair_shift
    curtain = [(0, -84), (side - 8, -70), (side, -40), (side + 1, (end - 40) / 2), (side - 1, end), (0, end + 6)]
    canvas.paint(hair * 0.75, curve(symmetric(curtain)), figure=True)
    canvas.paint(skin * 0.7, [(-27, 20), (27, 20), (33, 90), (-33, 90)], lift=-14, figure=True)
    canvas.paint(skin, _head_outline(identity), figure=True)
    canvas.paint(mix(skin, LIP_RED, 0.5), *both_sides(ellipse((24, 6), (9, 8))), opacity=0.25, softness=4.0)


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
    return curve(symmetric(half))


def _paint_eyes(canvas, identity, view):
    skin, hair = skin_color(identity), hair_color(identity)
    t, bulge = ACROSS, 1 - ACROSS**2
    opening = identity.eye_height * min(max(1 - view.eye_closure, 0.15), 1.1)
    center = np.array([identity.eye_distance / 2, -identity.nose_length])
    # One eye, the right one in the picture; t runs from its inner to its outer corner.
    x = center[0] + t * identity.eye_width / 2
    level = center[1] - identity.eye_tilt * t
    upper = level - 0.62 * opening * (1 - np.abs(t) ** 2.2)
    lower = level + 0.38 * opening * bulge
    socket = ellipse(center - (0, 1), (11, 7))
    canvas.paint(skin * 0.6, *both_sides(socket), opacity=0.3 * identity.eye_depth, softness=3)
    crease = np.column_stack([x, upper - identity.lid_crease])
    canvas.stroke(skin * 0.5, 1.2, *both_sides(crease), opacity=0.6, softness=0.4)
    bag = np.column_stack([x, lower + 2.4 + bulge])
    canvas.stroke(skin * 0.6, 1.4, *both_sides(bag), opacity=min(identity.age, 0.9), softness=0.7)
    canvas.paint(EYE_WHITE, *both_sides(band(x, upper, lower)))

    pupils = [center * side + (view.gaze_x, view.gaze_y - 0.12 * opening) for side in ((-1, 1), (1, 1))]
    for radius, color in ((1.0, tone(IRIS_TONES, identity.iris_tone)), (0.48, PUPIL)):
        discs = [ellipse(pupil, radius * identity.iris_size) for pupil in pupils]
        for disc in discs:
            across = np.abs(disc[:, 0])
            disc[:, 1] = np.clip(disc[:, 1], np.interp(across, x, upper), np.interp(across, x, lower))
        canvas.paint(color, *discs)
    canvas.paint(EYE_GLINT, *(ellipse(pupil - (-1.1, 1.1), 0.7) for pupil in pupils))
    canvas.stroke(skin * 0.22, 1.5, *both_sides(np.column_stack([x, upper])))
    canvas.stroke(skin * 0.5, 0.8, *both_sides(np.column_stack([x, lower])), opacity=0.7)

    brow_y = center[1] - identity.brow_gap - view.brow_raise - identity.brow_tilt * t
    brow_y -= identity.brow_arch * (1 - (t - 0.3) ** 2)
    brow = np.column_stack([center[0] + 1 + t * identity.brow_length / 2, brow_y])
    thickness = max(identity.brow_thickness, 0.8)
    canvas.stroke(hair * 0.7, thickness, *both_sides(brow), opacity=0.9, softness=0.5)


def _paint_nose(canvas, identity):
    skin, half, way = skin_color(identity), identity.nose_width / 2, (ACROSS + 1) / 2
    nostril = ellipse((half * 0.52, 4.2), (half * 0.3, 1.3))
    canvas.paint(skin * 0.3, *both_sides(nostril), lift=5, opacity=0.8, softness=0.6)
    angle = 1.3 * ACROSS
    wing = np.column_stack([half - 2.5 + 2.5 * np.cos(angle), 1.5 + 3.4 * np.sin(angle)])
    canvas.stroke(skin * 0.5, 1.6, *both_sides(wing), lift=3, opacity=0.65, softness=0.7)
    fold_x = half + 2 + (identity.mouth_width / 2 + 3 - half) * way + 1.5 * np.sin(np.pi * way)
    fold = np.column_stack([fold_x, (identity.mouth_y - 3) * way - 1])
    canvas.stroke(skin * 0.55, 1.8, *both_sides(fold), opacity=min(identity.age, 0.8), softness=1.0)


def _paint_beard(canvas, identity):
    if identity.beard <= 0 and identity.moustache <= 0:
        return
    hair, y = hair_color(identity) * 0.85, identity.mouth_y
    grain = 0.5 + 0.5 * canvas.grain(identity.texture_seed, cell=1.5)
    if identity.beard > 0:
        inner = identity.mouth_width / 2 + 4
        outside = _head_outline(identity)
        jaw = outside[outside[:, 1] > -8]
        mouth = [(-inner - 5, y - 10), (-inner, y + 3), (0, y + 9), (inner, y + 3), (inner + 5, y - 10)]
        opacity = min(0.25 + identity.beard, 0.95)
        canvas.paint(hair, np.concatenate([jaw, mouth]), opacity=opacity, softness=1.5, grain=grain)
    if identity.moustache > 0:
        half, y = identity.mouth_width / 2 + 2, y - identity.upper_lip
        patch = symmetric([(0, y - 5), (half * 0.6, y - 4.5), (half, y + 1.5), (half * 0.6, y), (0, y)])
        canvas.paint(hair, patch, opacity=min(0.25 + identity.moustache, 0.95), softness=0.8, grain=grain)


def _paint_mouth(canvas, identity, view):
    skin = skin_color(identity)
    lip = mix(skin, LIP_RED, identity.lip_red)
    corner_x, corner_y = mouth_corner(identity, view)
    gap, t, bulge = max(view.mouth_opening, 0), ACROSS, 1 - ACROSS**2
    x = t * corner_x
    seam = corner_y + (identity.mouth_y + 0.8 - corner_y) * bulge
    above, below = seam - 0.25 * gap * bulge, seam + 0.75 * gap * bulge
    top = above - max(identity.upper_lip, 1) * (bulge - 0.28 * identity.lip_bow * np.exp(-((t / 0.14) ** 2)))
    bottom = below + max(identity.lower_lip, 1.2) * (1 - np.abs(t) ** 2.5)
    shade = ellipse((0, bottom.max() + 2.4), (corner_x * 0.5, 1.6))
    canvas.paint(skin * 0.55, shade, opacity=0.3, softness=1.2)
    canvas.paint(lip * 0.88, band(x, top, above), lift=2, softness=0.5)
    canvas.paint(lip, band(x, below, bottom), lift=2, softness=0.5)
    if gap > 0.3:
        canvas.paint(MOUTH_INSIDE, band(x, above, below), lift=2)
        canvas.paint(TEETH, band(0.8 * x, above, np.minimum(above + 1.8, below)), lift=2, softness=0.3)
    canvas.stroke(lip * 0.35, 1.2, np.column_stack([x, above]), lift=2, opacity=0.75)


def _paint_skin_marks(canvas, identity):
    skin = skin_color(identity)
    if identity.freckles > 0:
        spots = np.random.default_rng(identity.texture_seed).uniform((-30, -12), (30, 12), (36, 2))
        canvas.paint(skin * 0.65, *(CIRCLE[::3] * 0.6 + spot for spot in spots), opacity=min(identity.freckles, 0.8))
    if identity.mole > 0:
        mole = ellipse((identity.mole_x, identity.mole_y), 0.7 + 0.5 * identity.mole)
        canvas.paint(skin * 0.35, mole, opacity=0.85, softness=0.3)


def _paint_hair(canvas, identity, view):
    hair = hair_color(identity)
    line, bend, slope = identity.hairline_y, identity.hairline_curve, identity.hair_slope
    part = identity.hair_parting + view.hair_shift
    outer = identity.head_width + 0.5 * max(identity.hair_volume, 0.5)
    temple = identity.head_width - 3
    end = min(max(0.5 * identity.hair_length - 18, line + 16), 12) + view.hair_shift
    left_to_right = [
        (-temple, end - 4),
        (-temple + 2, line + bend - slope),
        (-0.6 * temple + 0.3 * part, line + 0.2 * bend - slope / 2),
        (part, line - 0.4 * bend),
        (0.6 * temple + 0.3 * part, line + 0.2 * bend + slope / 2),
        (temple - 2, line + bend + slope),
        (temple, end - 4),
    ]
    right_to_left = [(outer - 1, end), (outer, -44), (0.7 * outer, -80), (0, -92)]
    right_to_left += [(-x, y) for x, y in right_to_left[2::-1]]
    outline = curve(left_to_right + right_to_left)
    strands = canvas.grain(identity.texture_seed, cell=4, stretch=10)
    canvas.paint(hair, outline, lift=1, figure=True)
    canvas.paint(np.minimum(hair * 1.4 + 16, 255), outline, lift=1, softness=1.5, grain=strands, opacity=0.7)


def _paint_glasses(canvas, identity):
    color = tone(FRAME_TONES, identity.glasses_tone)
    corners = 2 / min(max(2.8 - identity.glasses_round, 2), 5)  # the superellipse's power: from round to boxy
    rim = np.sign(CIRCLE) * np.abs(CIRCLE) ** corners
    center = np.array([identity.eye_distance / 2 + 0.5, 1 - identity.nose_length])
    outside, inside = rim * (12.5, 9.0) + center, rim * (11.3, 7.8) + center
    canvas.paint(GLASS, *both_sides(outside), lift=3, opacity=0.12)
    frame = np.concatenate([outside, outside[:1], inside[:1], inside[::-1]])
    hinge, ear = center[0] + 12, identity.head_width
    arm = [(hinge, center[1] - 2), (ear, center[1] - 3), (ear, center[1] - 1.8), (hinge, center[1] - 0.8)]
    canvas.paint(color, *both_sides(frame), *both_sides(arm), lift=3)
    reach = identity.eye_distance / 2 - 11
    bridge = band(reach * ACROSS, 1.5 * ACROSS**2 - 1.5, 1.5 * ACROSS**2)
    canvas.paint(color, bridge - (0, identity.nose_length + 1), lift=6)
