"""Arithmetic on face boxes, in MTCNN's convention.

A box is (x1, y1, x2, y2) in pixels, both corners inside it: its width is x2 - x1 + 1. Arrays of boxes are
float64 (n, 4). The formulas are those of Zhang et al., "Joint Face Detection and Alignment using Multi-task
Cascaded Convolutional Networks" (2016), as the authors' and InsightFace's code run them.
"""

import numpy as np

_BLOCK = 64  # boxes compared with one another at once


def sizes(boxes):
    """(n, 2): width and height of each box."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def calibrate(boxes, offsets):
    """Boxes moved by a network's ``offsets`` (n, 4), each corner's in widths and heights of its box."""
    return boxes + np.tile(sizes(boxes), 2) * offsets


def to_square(boxes):
    """Squares on the longer side, about the same centres, rounded to whole pixels (halves to even)."""
    size = sizes(boxes)
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + size * 0.5 - side * 0.5
    return np.round(np.hstack([corner, corner + side - 1]))


def clip(boxes, image_size):
    """The part of each box inside an image of ``(height, width)``; for a box outside it, (nearly) nothing."""
    height, width = image_size
    return np.clip(boxes, 0, (width - 1, height - 1) * 2)


def touching(boxes, image_size):
    """bool (n,): whether a box has a size and a pixel in common with an image of ``(height, width)``."""
    height, width = image_size
    inside = (boxes[:, :2] < (width, height)) & (boxes[:, 2:] >= 0)
    return (inside & (sizes(boxes) >= 1)).all(axis=1)


def suppress_overlaps(boxes, scores, threshold, by="union"):
    """Greedy non-maximum suppression.

    The best box is kept, those that overlap it by more than ``threshold`` are dropped, and so on.

    Args:
        boxes: (n, 4).
        scores: (n,); of equal ones the last counts as best.
        threshold: a share, 0..1.
        by: what the overlap is a share of, ``"union"`` of both boxes or the ``"smaller"`` one.

    Returns:
        int (k,): the places of those kept, best first.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    kept = []
    while len(order):
        block, order = order[:_BLOCK], order[_BLOCK:]
        overlapping = overlaps(boxes[block], boxes[block], by) > threshold
        survives = np.ones(len(block), bool)
        for place in range(len(block)):
            if survives[place]:
                survives[place + 1 :] &= ~overlapping[place, place + 1 :]
        block = block[survives]
        kept.append(block)
        order = order[~(overlaps(boxes[block], boxes[order], by) > threshold).any(axis=0)]
    return np.concatenate(kept) if kept else order


def overlaps(boxes, others, by="union"):
    """What boxes share: (n, m), 0..1, of each of ``boxes`` (n, 4) with each of ``others`` (m, 4).

    ``by``: what it is a share of, ``"union"`` of both boxes or the ``"smaller"`` one.
    """
    width, height = (
        np.maximum(
            np.minimum.outer(boxes[:, i + 2], others[:, i + 2]) - np.maximum.outer(boxes[:, i], others[:, i]) + 1, 0
        )
        for i in (0, 1)
    )
    shared = width * height
    areas = [sizes(some).prod(axis=1) for some in (boxes, others)]
    return shared / (np.minimum.outer(*areas) if by == "smaller" else np.add.outer(*areas) - shared)
