"""Which of several faces in a photo is meant."""

import numpy as np

RULES = ("central", "largest")


def choose_face(faces, image_size, rule="central"):
    """The one face of ``faces`` that a photo of one person shows: the first of `ordered_faces`, None of none."""
    return next(iter(ordered_faces(faces, image_size, rule)), None)


def ordered_faces(faces, image_size, rule="central"):
    """``faces`` as they are taken for the one that a photo of one person shows, the likeliest first.

    ``"central"``, for data sets of photos taken of the person: by box area - 2 * squared distance of the box's centre
    from the image's (pixels^2), the rule of facenet's and InsightFace's alignment scripts. ``"largest"``: by area.

    Args:
        faces: sequence of `DetectedFace`, or of anything with a ``box`` (x1, y1, x2, y2).
        image_size: (height, width) in pixels.
        rule: one of `RULES`.

    Returns:
        list of them; equals stay in their order.

    Raises:
        ValueError: another rule.
    """
    if rule not in RULES:
        raise ValueError(f"expected a rule of {', '.join(RULES)}, found {rule!r}")
    boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
    fitness = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    if rule == "central":
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        fitness -= 2 * np.square(centers - np.array(image_size[::-1]) / 2).sum(axis=1)
    return [faces[place] for place in np.argsort(-fitness, kind="stable")]
