"""One photo in, the aligned crop of the face it shows out."""

from typing import NamedTuple

import cv2
import numpy as np

from insightrec.deploy.face_choice import ordered_faces
from insightrec.deploy.proposal_stage import WINDOW
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import align_face, check_sides, template

ON_MISSING = ("skip", "center-crop")
# Pixels of the longer side. Shrinking photos of 12 and 24 Mpx to 1024, 1600 or 2048 moved landmarks alike, by 3 to 4 %
# of the distance of the eyes, as any change of scale does; 1600 takes half to a quarter of the time of the whole photo.
DETECTION_SIDE = 1600
# Of the shorter side, at least, at each side of a centre crop, which keeps the crop's proportions. InsightFace's leaves
# 6.25 % of each side, widens that by 22 pixels either way, and stretches it to the crop.
MARGIN = 0.0625
LEAST_SIDE = 6  # pixels of a photo; the middle of a smaller one holds no five points a pixel apart


class AlignedFace(NamedTuple):
    """A crop and where in the photo it comes from, in pixels of the photo."""

    crop: np.ndarray  # uint8 RGB (height, width, 3): align_face(photo, landmarks, image_size)
    box: np.ndarray  # float64 (4,): x1, y1, x2, y2, inclusive; of a centre crop its own outline
    landmarks: np.ndarray  # float64 (5, 2), (x, y); of a centre crop the template's
    score: float  # probability of a face, 0..1; nan for a centre crop
    faces: int  # how many were found in the photo
    how: str  # "detected" or "center-crop"


class FaceAligner:
    """Finds the face that a photo of one person shows, and cuts it out.

    Args:
        detector: function of the keyword ``min_size`` (pixels) that gives what finds faces of that size or more, an
            object with ``detect(image)``: ``functools.partial(MTCNN, load_networks())``.
        image_size: (height, width) of the crops, one of `face_alignment.SIZES`.
        rule: which of several faces, one of `face_choice.RULES`.
        on_missing: where no face is found, or none that can be aligned, ``"skip"``, or ``"center-crop"`` to cut out the
            middle.
        min_face: the smallest face looked for, pixels of the photo; see ``detection_side``.
        detection_side: a photo whose longer side is longer, pixels, is shrunk to it to find faces. Faces of less than
            12 pixels there are not found, whatever ``min_face`` is. The crop is cut from the whole photo.

    Raises:
        ImageError: a size without a template.
        ValueError: another ``on_missing``.
    """

    def __init__(
        self,
        detector,
        *,
        image_size=(112, 112),
        rule="central",
        on_missing="skip",
        min_face=20,
        detection_side=DETECTION_SIDE,
    ):
        if on_missing not in ON_MISSING:
            raise ValueError(f"expected on_missing of {', '.join(ON_MISSING)}, found {on_missing!r}")
        template(image_size)
        self._detector, self._image_size, self._rule = detector, image_size, rule
        self._on_missing, self._min_face, self._detection_side = on_missing, min_face, detection_side

    def align(self, image):
        """The face of a photo.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            `AlignedFace`, of the first face in the order of the rule that can be aligned; None where no face is found,
            unless ``on_missing`` is ``"center-crop"``.

        Raises:
            ImageError: no face that was found can be aligned (`align_face`), unless ``on_missing`` is
                ``"center-crop"``; or the photo is too small for a centre crop, or as `check_sides`.
        """
        check_sides(image)
        faces = self._detect(image)
        refusals = []
        for face in ordered_faces(faces, image.shape[:2], self._rule):
            try:
                crop = align_face(image, face.landmarks, self._image_size)
            except ImageError as error:
                refusals.append(error)
            else:
                return AlignedFace(crop, face.box, face.landmarks, face.score, len(faces), "detected")
        if self._on_missing == "center-crop":
            box, landmarks = center_crop(image.shape[:2], self._image_size)
            crop = align_face(image, landmarks, self._image_size)
            return AlignedFace(crop, box, landmarks, float("nan"), len(faces), "center-crop")
        if refusals:
            raise refusals[0]
        return None

    def _detect(self, image):
        """The faces of a photo, found in it or, if it is large, in a smaller copy."""
        height, width = image.shape[:2]
        shrinks = max(1.0, max(height, width) / self._detection_side)
        detector = self._detector(min_size=max(self._min_face / shrinks, WINDOW))
        if shrinks == 1:
            return detector.detect(image)
        size = tuple(max(1, round(side / shrinks)) for side in (width, height))
        faces = detector.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        ratio = np.divide((width, height), size)
        # The detector measures from the outer edge of pixels, and a box's second corner lies inside it.
        return [
            face._replace(
                box=np.concatenate([face.box[:2] * ratio, (face.box[2:] + 1) * ratio - 1]),
                landmarks=face.landmarks * ratio,
            )
            for face in faces
        ]


def center_crop(photo_size, image_size):
    """The middle of a photo: as much in the crop's proportions as leaves a `MARGIN` on every side.

    Args:
        photo_size, image_size: (height, width) in pixels.

    Returns:
        box float64 (4,), and the landmarks, float64 (5, 2), that `align_face` carries onto the template by cutting
        out just this box.

    Raises:
        ImageError: a side of the photo is less than `LEAST_SIDE`.
    """
    if min(photo_size) < LEAST_SIDE:
        raise ImageError(
            f"expected a photo of {LEAST_SIDE}x{LEAST_SIDE} pixels or more to cut out its middle, found "
            f"{photo_size[0]}x{photo_size[1]}"
        )
    photo, crop = np.array(photo_size[::-1], np.float64), np.array(image_size[::-1], np.float64)
    scale = ((photo - 2 * MARGIN * photo.min()) / crop).min()
    corner = (photo - scale * crop) / 2
    box = np.concatenate([corner, corner + scale * crop - 1])
    # A pixel's centre is at a whole number: the crop's edge is at -0.5.
    return box, (template(image_size) + 0.5) * scale + corner - 0.5
