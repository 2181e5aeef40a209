import math

import numpy as np
import pytest

from insightrec.deploy import proposal_stage
from insightrec.deploy.mtcnn_network import to_batch
from insightrec.deploy.proposal_stage import propose, pyramid_scales


def window_sums(planes):
    """Sums over 3 x 3, valid."""
    rows = planes[..., :-2, :] + planes[..., 1:-1, :] + planes[..., 2:, :]
    return rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]


def pool(planes):
    """Maximum over 2 x 2; an odd row or column at the end stands alone."""
    height, width = planes.shape[-2:]
    padded = np.full((*planes.shape[:-2], height + height % 2, width + width % 2), -np.inf)
    padded[..., :height, :width] = planes
    return padded.reshape(*planes.shape[:-2], (height + 1) // 2, 2, (width + 1) // 2, 2).max(axis=(-3, -1))


def network(batch):
    """Layers of the proposal network's shape, without its weights."""
    planes = window_sums(window_sums(pool(window_sums(batch.astype(np.float64))))) / 729
    offsets = np.concatenate([planes, planes.mean(axis=1, keepdims=True)], axis=1).astype(np.float32)
    logits = np.stack([0 * planes[:, 0], 8 * planes.mean(axis=1)], axis=1).astype(np.float32)
    return offsets, logits


def fires(*places):
    """A network that finds faces at (row, column, logit) of its map, with offsets that name the place."""

    def found(batch):
        shape = [math.ceil((side - 10) / 2) for side in batch.shape[2:]]
        offsets, logits = np.zeros((1, 4, *shape), np.float32), np.full((1, 2, *shape), 0, np.float32)
        logits[:, 1] = -9
        for row, column, logit in places:
            logits[0, 1, row, column] = logit
            offsets[0, :, row, column] = row, column, 0, 0
        return offsets, logits

    return found


def test_scales_of_a_photo():
    assert pyramid_scales((100, 300), 20, 0.5) == [0.6, 0.3, 0.15]  # windows of 20, 40 and 80 pixels
    assert pyramid_scales((300, 100), 20, 0.5) == [0.6, 0.3, 0.15]
    assert len(pyramid_scales((250, 250), 20, 0.709)) == 8


@pytest.mark.parametrize("size", [(20, 20), (1, 1), (20, 500), (19, 40)])
def test_no_scale_for_an_image_not_larger_than_the_smallest_face(size):
    assert pyramid_scales(size, 20, 0.709) == []
    assert pyramid_scales((21, 21), 20, 0.709) == [0.6]


def test_a_place_of_the_map_is_a_window_of_the_image():
    image = np.zeros((60, 80, 3), np.uint8)
    boxes, scores, offsets = propose(fires((3, 5, 2.0)), image, 0.6, 0.6)
    # Place (row 3, column 5): pixels 10 and 6 of the scaled image, its second ones 11 and 7, and 12 further.
    np.testing.assert_array_equal(boxes, np.round([[11 / 0.6, 7 / 0.6, 23 / 0.6, 19 / 0.6]]))
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-2.0)), rtol=1e-6)
    assert offsets.tolist() == [[3, 5, 0, 0]]


def test_overlapping_places_leave_the_best():
    image = np.zeros((60, 60, 3), np.uint8)
    boxes, _, offsets = propose(fires((3, 5, 2.0), (3, 6, 3.0), (14, 15, 1.0), (14, 3, 0.4)), image, 1.0, 0.6)
    assert offsets[:, :2].tolist() == [[3, 6], [14, 15]]
    assert boxes[0].tolist() == [13, 7, 25, 19]


def test_nothing_found():
    boxes, scores, offsets = propose(fires(), np.zeros((40, 40, 3), np.uint8), 0.6, 0.6)
    assert (boxes.shape, scores.shape, offsets.shape) == ((0, 4), (0,), (0, 4))


@pytest.mark.parametrize("size", [(12, 12), (13, 40), (75, 64), (58, 59), (74, 75), (74, 90)])
@pytest.mark.parametrize("tile", [16, 64])
def test_tiles_give_what_the_whole_image_gives(rng, monkeypatch, size, tile):
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    _, logits = network(to_batch([image]))
    monkeypatch.setattr(proposal_stage, "OVERLAP", 1.0)
    whole = propose(network, image, 1.0, 0.0)
    assert len(whole[0]) == logits[0, 0].size
    monkeypatch.setattr(proposal_stage, "TILE", tile)
    tiled = propose(network, image, 1.0, 0.0)
    for first, second in zip(whole, tiled):
        order, other = (np.lexsort(found[0].T) for found in (whole, tiled))
        np.testing.assert_allclose(first[order], second[other], atol=1e-6)


def test_the_best_of_too_many(monkeypatch):
    monkeypatch.setattr(proposal_stage, "MAX_PROPOSALS", 2)
    places = [(0, 0, 1.0), (0, 20, 3.0), (20, 0, 2.0), (20, 20, 0.9)]
    _, _, offsets = propose(fires(*places), np.zeros((60, 60, 3), np.uint8), 1.0, 0.6)
    assert offsets[:, :2].tolist() == [[0, 20], [20, 0]]
