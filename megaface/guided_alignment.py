"""Alignment of a face of which the data set says where it is: MegaFace's protocol, with its fallbacks in their order.

What is tried first to last, by the names in `HOW`; the first that succeeds is taken:

- ``landmarks``: three landmarks are given. They place the face roughly in a canvas of twice the crop's size, and a
  face is detected there; its five landmarks align it.
- ``detected``: a box is given, and of the faces of a quarter of the photo's height or more, the one that overlaps
  it most does so by more than 0.3 of the union.
- ``forced``: a box is given, and the refine and output networks take it for a face with a score above 0.3.
- ``box-crop``: a box is given: its part of the photo, as wide as the crop's proportions ask, scaled, not aligned.
- ``photo-crop``: no box: the photo without 6 % at each side, stretched to the crop's size, whatever its proportions.
  (The centre crop of `face_aligner` is another: it keeps them.)

Boxes and landmarks are in pixels as they are stored: an EXIF orientation is not looked at, as the data sets' own tools
did not.

The order and the numbers are those of InsightFace's scripts for MegaFace. There are two differences. They detected
with facenet's MTCNN in TensorFlow, here it is `MTCNN`, InsightFace's. And they cut the crop from the rough canvas,
which interpolates twice; here the landmarks are carried back to the photo and the crop is cut from it, once.
"""

import functools
from typing import NamedTuple

import cv2
import numpy as np

from insightrec.deploy.face_boxes import clip, overlaps, touching
from insightrec.deploy.face_choice import choose_face
from insightrec.deploy.mtcnn import MTCNN, DetectedFace
from insightrec.deploy.proposal_stage import WINDOW
from insightrec.megaface.face_guide import FaceGuide
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import align_face, check_sides, similarity, template

HOW = ("landmarks", "detected", "forced", "box-crop", "photo-crop")
CANVAS = 2  # sides of the rough canvas in sides of the crop
ENLARGED = 1.5  # the face in it, in sizes of the face in the crop
PHOTO_SHARE = 4  # the smallest face looked for in a photo is its height divided by this
LEAST_OVERLAP = 0.3  # share of the union of the given and the detected box
FORCED_THRESHOLDS = (0.0, 0.3)  # of the refine and the output network
MARGIN = 0.06  # of the photo's side, left out at each side


class GuidedFace(NamedTuple):
    """A crop and where it comes from; coordinates are pixels of the photo."""

    crop: np.ndarray  # uint8 RGB (height, width, 3)
    how: str  # one of `HOW`
    box: np.ndarray  # float64 (4,): x1, y1, x2, y2: the face's, or what was cropped
    score: float  # the detector's, 0..1; NaN where no face was found
    landmarks: np.ndarray  # float64 (5, 2); NaN where no face was found
    fault: str  # what of the guide does not fit the photo and was not used; "" where all does


def mtcnn_detectors(networks):
    """Function ``min_size=`` (pixels) -> `MTCNN` of these `MtcnnNetworks`, with the protocol's thresholds."""
    return functools.partial(MTCNN, networks, thresholds=(0.6, 0.7, 0.7), factor=0.709)


class GuidedAligner:
    """Aligns photos by what their data set says of them.

    Args:
        detectors: function of ``min_size``, the smallest face in pixels, that gives a detector (`mtcnn_detectors`).
        image_size: (height, width) of the crop, one of `face_alignment.SIZES`.

    Raises:
        ImageError: another size.
    """

    def __init__(self, detectors, image_size=(112, 112)):
        self._detectors = detectors
        self._image_size = tuple(image_size)
        size = np.array(image_size[::-1])
        self._canvas_size = tuple((CANVAS * size).tolist())
        self._canvas_points = template(image_size)[:3] * ENLARGED + (CANVAS - ENLARGED) / 2 * size
        self._canvas_detector = detectors(min_size=image_size[0])

    def align(self, image, guide):
        """Cut the face out of a photo, uint8 RGB (H, W, 3), as its `FaceGuide` says; returns `GuidedFace`.

        Raises:
            ImageError: as `check_sides`.
        """
        check_sides(image)
        guide, fault = self._fitting(guide, image)
        for how, find in zip(HOW, (self._near_landmarks, self._near_box, self._within_box)):
            face = find(image, guide)
            crop = None if face is None else self._cut(image, face.landmarks)
            if crop is not None:
                return GuidedFace(crop, how, face.box, face.score, face.landmarks, fault)
        if guide.box is None:
            how, region = "photo-crop", _without_margins(image)
        else:
            how, region = "box-crop", self._square(image, guide.box)
        return GuidedFace(self._scale(image, region), how, region, np.nan, np.full((5, 2), np.nan), fault)

    def _fitting(self, guide, image):
        """The guide without what does not fit the photo, and what that is."""
        box, landmarks, faults = guide.box, guide.landmarks, []
        size = image.shape[:2]
        if box is not None and not touching(box[None], size)[0]:
            faults.append(f"expected a box within the photo, {size[0]}x{size[1]}, found {box.tolist()}")
            box = None
        if landmarks is not None and not self._place_a_face(landmarks, size):
            faults.append(f"expected three landmarks within the photo, {size[0]}x{size[1]}, found {landmarks.tolist()}")
            landmarks = None
        return FaceGuide(box, landmarks), "; ".join(faults)

    def _place_a_face(self, landmarks, size):
        """Whether a landmark lies within a photo of ``size`` and they do not coincide."""
        try:
            similarity(landmarks, self._canvas_points)
        except ImageError:
            return False
        return ((landmarks >= 0) & (landmarks < size[::-1])).all(axis=1).any()

    def _near_landmarks(self, image, guide):
        """The face in the rough canvas about three landmarks, in pixels of the photo; None where there is none."""
        if guide.landmarks is None:
            return None
        matrix = similarity(guide.landmarks, self._canvas_points)
        canvas = cv2.warpAffine(image, matrix, self._canvas_size, borderValue=0.0)
        face = choose_face(self._canvas_detector.detect(canvas), canvas.shape[:2])
        return None if face is None else _carried_back(face, matrix)

    def _near_box(self, image, guide):
        """The face of the photo that overlaps the given box most; None where none does so enough."""
        if guide.box is None:
            return None
        faces = self._detectors(min_size=max(WINDOW, image.shape[0] // PHOTO_SHARE)).detect(image)
        if not faces:
            return None
        shares = overlaps(np.array([face.box for face in faces]), guide.box[None])[:, 0]
        return faces[int(shares.argmax())] if shares.max() > LEAST_OVERLAP else None

    def _within_box(self, image, guide):
        """What the later networks make of the given box; None where they take it for no face."""
        if guide.box is None:
            return None
        faces = self._canvas_detector.confirm(image, guide.box[None], FORCED_THRESHOLDS)
        return faces[0] if faces else None

    def _cut(self, image, landmarks):
        """The aligned crop, or None where the landmarks that were found carry none."""
        try:
            return align_face(image, landmarks, self._image_size)
        except ImageError:
            return None

    def _square(self, image, box):
        """A box, as wide as the crop's proportions ask of its height, within the image; a column at least."""
        x1, y1, x2, y2 = box
        half = (y2 - y1 + 1) * self._image_size[1] / self._image_size[0] / 2
        middle = (x1 + x2 + 1) / 2
        return clip(np.round([middle - half, y1, middle + half - 1, y2]), image.shape[:2])

    def _scale(self, image, region):
        x1, y1, x2, y2 = region.astype(int)
        part = image[y1 : y2 + 1, x1 : x2 + 1]
        shrinks = part.shape[0] > self._image_size[0]
        return cv2.resize(part, self._image_size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _carried_back(face, matrix):
    """A face found in the image that ``matrix`` (2, 3) made, a similarity, in pixels of what it was made of."""
    inverse = cv2.invertAffineTransform(matrix)
    scale = np.hypot(*inverse[:, 0])

    def move(points):
        return points @ inverse[:, :2].T + inverse[:, 2]

    center, half = move((face.box[:2] + face.box[2:]) / 2), (face.box[2:] - face.box[:2]) / 2 * scale
    return DetectedFace(np.concatenate([center - half, center + half]), face.score, move(face.landmarks))


def _without_margins(image):
    """The photo without its margins, x1, y1, x2, y2."""
    size = np.array(image.shape[1::-1])
    margin = np.floor(size * MARGIN)
    return np.concatenate([margin, size - margin - 1])
