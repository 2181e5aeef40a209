"""MTCNN's cascade as InsightFace's code has the parts, one candidate at a time: what a user would write.

Scale by scale through the first network, non-maximum suppression in a loop over the boxes that are kept, every
candidate cropped, scaled and put through the network alone. The networks are functions of a float32 batch (1, C, H, W),
as released: their last output is the probability, softmax included.
"""

import math

import cv2
import numpy as np

from insightrec.deploy.face_boxes import calibrate, clip, sizes, to_square, touching

MIN_SIZE, FACTOR, WINDOW, STRIDE = 20, 0.709, 12, 2
THRESHOLDS = (0.6, 0.7, 0.8)


def detect(networks, image):
    """Boxes (n, 4), scores (n,) and landmarks (n, 5, 2) of a uint8 RGB image; ``networks``: of det1 to det4."""
    proposal, refine, output, landmark = networks
    image = np.ascontiguousarray(image[..., ::-1])
    found = [propose(proposal, image, scale) for scale in pyramid(image)]
    boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*found))
    kept = suppress(boxes, scores, 0.7)
    boxes = to_square(calibrate(boxes[kept], offsets[kept]))

    boxes = boxes[touching(boxes, image.shape[:2])]
    offsets, probabilities = run_each(refine, [to_input(crop(image, box, 24)) for box in boxes])
    boxes, scores = clip(boxes, image.shape[:2]), probabilities[:, 1]
    boxes, scores, offsets = (array[scores > THRESHOLDS[1]] for array in (boxes, scores, offsets))
    kept = suppress(boxes, scores, 0.7)
    boxes = to_square(calibrate(boxes[kept], offsets[kept]))

    boxes = boxes[touching(boxes, image.shape[:2])]
    shares, offsets, probabilities = run_each(output, [to_input(crop(image, box, 48, np.float32)) for box in boxes])
    boxes, scores = clip(boxes, image.shape[:2]), probabilities[:, 1]
    landmarks = boxes[:, None, :2] + sizes(boxes)[:, None] * shares.reshape(-1, 2, 5).transpose(0, 2, 1)
    boxes = calibrate(boxes, offsets)
    boxes, scores, landmarks = (array[scores > THRESHOLDS[2]] for array in (boxes, scores, landmarks))
    kept = suppress(boxes, scores, 0.7, by_smaller=True)
    boxes, scores, landmarks = boxes[kept], scores[kept], landmarks[kept]
    return boxes, scores, np.array([refine_points(landmark, image, *face) for face in zip(boxes, landmarks)])


def pyramid(image):
    scale, side = WINDOW / MIN_SIZE, min(image.shape[:2]) * WINDOW / MIN_SIZE
    while side > WINDOW:
        yield scale
        scale, side = scale * FACTOR, side * FACTOR


def propose(network, image, scale):
    height, width = (math.ceil(side * scale) for side in image.shape[:2])
    offsets, probabilities = network(to_input(cv2.resize(image, (width, height))))
    rows, columns = np.nonzero(probabilities[0, 1] > THRESHOLDS[0])
    corners = np.stack([columns, rows], axis=1) * STRIDE + 1
    boxes, scores = np.round(np.hstack([corners, corners + WINDOW]) / scale), probabilities[0, 1, rows, columns]
    kept = suppress(boxes, scores, 0.5)
    return boxes[kept], scores[kept], offsets[0][:, rows, columns].T[kept]


def suppress(boxes, scores, threshold, by_smaller=False):
    """Places of the boxes that are kept, best first; each is compared with all that are left."""
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    left, kept = np.argsort(scores, kind="stable"), []
    while len(left):
        best, left = left[-1], left[:-1]
        kept.append(best)
        width = np.maximum(0, np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left]) + 1)
        height = np.maximum(0, np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left]) + 1)
        shared = width * height
        whole = np.minimum(areas[best], areas[left]) if by_smaller else areas[best] + areas[left] - shared
        left = left[shared / whole <= threshold]
    return np.array(kept, int)


def run_each(network, inputs):
    return [np.concatenate(arrays) for arrays in zip(*map(network, inputs))]


def crop(image, box, size, dtype=np.uint8):
    """The box cut out, black where it reaches past the image, and scaled."""
    x1, y1, x2, y2 = box.astype(int)
    height, width = image.shape[:2]
    cut = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3), dtype)
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width - 1), min(y2, height - 1)
    cut[top - y1 : bottom - y1 + 1, left - x1 : right - x1 + 1] = image[top : bottom + 1, left : right + 1]
    return cv2.resize(cut, (size, size))


def to_input(image):
    return (image.astype(np.float32).transpose(2, 0, 1)[None] - np.float32(127.5)) * np.float32(0.0078125)


def refine_points(network, image, box, points):
    """Landmarks (5, 2) of one face, each seen in a patch around it, all five in one input."""
    side = np.round(max(box[2] - box[0] + 1, box[3] - box[1] + 1) * 0.25)
    side = max(side + side % 2, 2)
    corners = np.round(points - side / 2)
    patches = [crop(image, np.concatenate([corner, corner + side - 1]), 24, np.float32) for corner in corners]
    shares = np.concatenate(network(np.concatenate([to_input(patch) for patch in patches], axis=1)))
    shares[(np.abs(shares - 0.5) > 0.35).any(axis=1)] = 0.5
    return corners + shares * side
