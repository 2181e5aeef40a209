import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.deploy.face_boxes import calibrate, clip, overlaps, sizes, suppress_overlaps, to_square, touching


def boxes_of(*rows):
    return np.array(rows, float).reshape(-1, 4)


def dumb_overlap(a, b, by):
    """Pixels counted one by one."""

    def pixels(box):
        return {(x, y) for x in range(int(box[0]), int(box[2]) + 1) for y in range(int(box[1]), int(box[3]) + 1)}

    first, second = pixels(a), pixels(b)
    return len(first & second) / (len(first | second) if by == "union" else min(len(first), len(second)))


def dumb_suppression(boxes, scores, threshold, by):
    left = sorted(range(len(boxes)), key=lambda place: (scores[place], place))
    kept = []
    while left:
        best = left.pop()
        kept.append(best)
        left = [place for place in left if dumb_overlap(boxes[best], boxes[place], by) <= threshold]
    return kept


box = st.tuples(*[st.integers(-6, 12)] * 2, *[st.integers(1, 9)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2] - 1, b[1] + b[3] - 1)
)


@given(
    st.lists(st.tuples(box, st.sampled_from([0.1, 0.5, 0.6, 0.9])), max_size=24),
    st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    st.sampled_from(["union", "smaller"]),
)
def test_suppression_equals_counting_pixels(found, threshold, by):
    boxes, scores = boxes_of(*(item[0] for item in found)), np.array([item[1] for item in found])
    assert suppress_overlaps(boxes, scores, threshold, by).tolist() == dumb_suppression(boxes, scores, threshold, by)


@pytest.mark.parametrize("by", ["union", "smaller"])
def test_suppression_of_more_boxes_than_are_compared_at_once(by):
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 60, (400, 2))
    boxes = np.hstack([corners, corners + rng.integers(4, 12, (400, 2))]).astype(float)
    scores = rng.random(400)
    assert suppress_overlaps(boxes, scores, 0.4, by).tolist() == dumb_suppression(boxes, scores, 0.4, by)


def test_an_overlap_that_equals_the_threshold_is_kept():
    boxes, scores = boxes_of((0, 0, 9, 9), (0, 5, 9, 14)), np.array([0.9, 0.8])  # 50 pixels shared, 150 in the union
    assert suppress_overlaps(boxes, scores, 1 / 3).tolist() == [0, 1]
    assert suppress_overlaps(boxes, scores, 0.33).tolist() == [0]
    assert suppress_overlaps(boxes, scores, 0.5, by="smaller").tolist() == [0, 1]
    assert suppress_overlaps(boxes, scores, 0.49, by="smaller").tolist() == [0]


def test_sizes_count_both_corners():
    assert sizes(boxes_of((3, 4, 3, 9), (0.5, 0, 2.5, 1))).tolist() == [[1, 6], [3, 2]]


def test_calibrate_moves_corners_in_shares_of_the_box():
    found = calibrate(boxes_of((10, 20, 29, 59)), np.array([[0.1, -0.1, 0.25, 0.5]], np.float32))
    np.testing.assert_allclose(found, [[12, 16, 34, 79]], atol=1e-5)  # 20 wide, 40 high


def test_squares_keep_the_centre_and_halves_round_to_even():
    # 10 x 20: five pixels are added on either side.
    assert to_square(boxes_of((10, 0, 19, 19))).tolist() == [[5, 0, 24, 19]]
    # 3 x 4: the left side would be 0.5 - 0.5 px; the corners stand at -0.5 and 2.5.
    assert to_square(boxes_of((0, 0, 2, 3))).tolist() == [[0, 0, 2, 3]]
    assert to_square(boxes_of((1, 0, 3, 3))).tolist() == [[0, 0, 4, 3]]


def test_clip_and_touching():
    boxes = boxes_of((-5, -6, 3, 4), (7, 8, 20, 30), (10, 0, 12, 3), (-9, 2, -1, 5), (2, 2, 1, 5), (0, 9, 0, 9))
    assert touching(boxes, (10, 10)).tolist() == [True, True, False, False, False, True]
    assert clip(boxes[:2], (10, 10)).tolist() == [[0, 0, 3, 4], [7, 8, 9, 9]]
    assert clip(boxes[1:2], (9, 50)).tolist() == [[7, 8, 20, 8]]


def test_shares_of_the_union():
    box = np.array([0.0, 0, 9, 9])
    boxes = np.array([[0, 0, 9, 9], [5, 0, 14, 9], [10, 0, 19, 9], [30, 30, 39, 39], [0, 0, 4, 4]], float)
    np.testing.assert_allclose(overlaps(boxes, box[None])[:, 0], [1, 50 / 150, 0, 0, 0.25])
