"""The first stage of MTCNN: the proposal network slides over the image at several scales.

Each scale goes through the network in tiles, which give exactly what the whole would: the layers need no padding.
Scales are not joined into one image, since pooling rounds up at the edges of each. Tiles of one size could share a
batch, which gains nothing: 1.0 to 1.1 times the CPU time (benchmarks/results/mtcnn.csv).
"""

import math

import cv2
import numpy as np

from insightrec.deploy.face_boxes import suppress_overlaps
from insightrec.deploy.mtcnn_network import face_probability, to_batch

WINDOW, STRIDE = 12, 2  # pixels of the scaled image that one place of the network's map sees, and between places
TILE = 128  # pixels of the scaled image between tiles: even, as the network pools pairs, and fit for a cache
_BORDER = WINDOW - STRIDE  # what a tile shares with the next
MAX_PROPOSALS = 1 << 15  # of one scale, the best; bounds time and memory where much passes (a photo of 1 Mpx gave 600)
OVERLAP = 0.5  # union share, among proposals of one scale


def pyramid_scales(image_size, min_size, factor):
    """Scales at which a window of 12 pixels sees faces of ``min_size``, ``min_size / factor`` ... of the image.

    The last is the smallest at which the window is smaller than the image. None for an image that is not larger
    than ``min_size``.
    """
    scale, smaller_side = WINDOW / min_size, min(image_size) * (WINDOW / min_size)
    scales = []
    while smaller_side > WINDOW:
        scales.append(scale * factor ** len(scales))
        smaller_side *= factor
    return scales


def propose(network, image, scale, threshold):
    """Candidate faces at one scale, without those that overlap a better one by more than half.

    Args:
        network: `MtcnnNetworks.proposal`.
        image: uint8 RGB (H, W, 3).
        scale: of the image, at most 1.
        threshold: least probability, 0..1.

    Returns:
        boxes float64 (n, 4), scores float32 (n,), offsets float32 (n, 4), best first.
    """
    height, width = (math.ceil(side * scale) for side in image.shape[:2])
    scaled = cv2.resize(image, (width, height))
    found = [
        _propose_in_tile(network, scaled, top, left, threshold)
        for top in range(0, height - _BORDER, TILE)
        for left in range(0, width - _BORDER, TILE)
    ]
    corners, scores, offsets = (np.concatenate(parts) for parts in zip(*found))
    if len(scores) > MAX_PROPOSALS:
        best = np.sort(np.argpartition(scores, -MAX_PROPOSALS)[-MAX_PROPOSALS:])
        corners, scores, offsets = corners[best], scores[best], offsets[best]
    # InsightFace's rounding: the window begins at its second pixel and ends one past its last.
    boxes = np.round(np.hstack([corners + 1, corners + 1 + WINDOW]) / scale)
    kept = suppress_overlaps(boxes, scores, OVERLAP)
    return boxes[kept], scores[kept], offsets[kept]


def _propose_in_tile(network, scaled, top, left, threshold):
    """(x, y) of windows above the threshold in the scaled image, their scores and offsets."""
    tile = scaled[top : top + TILE + _BORDER, left : left + TILE + _BORDER]
    offsets, logits = network(to_batch([tile]))
    (probability,) = face_probability(logits)
    rows, columns = np.nonzero(probability > threshold)
    corners = np.stack([columns * STRIDE + left, rows * STRIDE + top], axis=1)
    return corners, probability[rows, columns], offsets[0, :, rows, columns]
