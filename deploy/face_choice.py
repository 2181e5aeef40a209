"""Which of several faces in a photo is meant."""

import numpy as np

RULES = ("central", "largest")


def choose_face(faces, image_size, rule="central"):
    """The one face of ``faces`` that a photo of one person shows.

    ``"central"``, for data sets of photos taken of the person: the largest box area - 2 * squared distance of the
    box's centre from the image's (pixels^2), the rule of facenet's and InsightFace's alignment scripts.
    ``"largest"``: the largest area.

    Args:
        faces: sequence of `DetectedFace`, or of anything with a ``box`` (x1, y1, x2, y2).
        image_size: (height, width) in pixels.
        rule: one of `RULES`.

    Returns:
        the face, the first of equals; None where there are none.

    Raises:
        ValueError: another rule.
    """
    if rule not in RULES:
        raise ValueError(f"expected a rule of {', '.join(RULES)}, found {rule!r}")
    if not faces:
        return None
    boxes = np.array([face.box for face in faces], np.float64)
    fitness = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    if rule == "central":
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        fitness -= 2 * np.square(centers - np.array(image_size[::-1]) / 2).sum(axis=1)
    return faces[int(fitness.argmax())]
