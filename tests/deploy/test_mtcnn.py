"""The cascade with networks made of rules, so that every number can be worked out by hand."""

import math

import numpy as np
import pytest

from insightrec.deploy.mtcnn import BATCH, MTCNN
from insightrec.deploy.mtcnn_weights import MtcnnNetworks
from insightrec.recordio_tools.errors import ImageError, InputError

FACE, NO_FACE = (-4.0, 4.0), (4.0, -4.0)
SHARES = np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.75, 0.75]])
NONE = (0.0, 0.0, 0.0, 0.0)


def proposal(places, offsets=NONE):
    """Faces at (row, column) of the first scale's map."""
    seen = []

    def network(batch):
        seen.append(batch)
        shape = [math.ceil((side - 10) / 2) for side in batch.shape[2:]]
        logits = np.empty((1, 2, *shape), np.float32)
        logits[0] = np.reshape(NO_FACE, (2, 1, 1))
        for row, column in places if len(seen) == 1 else ():
            logits[0, :, row, column] = FACE
        return np.broadcast_to(np.reshape(offsets, (1, 4, 1, 1)), (1, 4, *shape)).astype(np.float32), logits

    return network


def judge(offsets=NONE, landmarks=False, accepts=lambda crop: True):
    """The refine network, or with ``landmarks`` the output network."""

    def network(batch):
        assert 0 < len(batch) <= BATCH
        logits = np.array([FACE if accepts(crop) else NO_FACE for crop in batch], np.float32)
        found = [np.tile(np.float32(offsets), (len(batch), 1)), logits]
        return [np.tile(np.float32(SHARES.T.ravel()), (len(batch), 1)), *found] if landmarks else found

    return network


def detector(
    places=((3, 5),), *, first=NONE, second=NONE, third=NONE, landmark=None, accepts=lambda crop: True, **options
):
    networks = MtcnnNetworks(
        proposal(places, first), judge(second, accepts=accepts), judge(third, landmarks=True), landmark
    )
    return MTCNN(networks, **{"min_size": 12, **options})


def image(height=60, width=60, color=(0, 0, 0)):
    return np.full((height, width, 3), color, np.uint8)


def test_a_face_whose_boxes_no_network_moves():
    (face,) = detector().detect(image())
    assert face.box.tolist() == [11, 7, 23, 19]  # place (3, 5): see the proposal stage
    assert face.score == pytest.approx(1 / (1 + math.exp(-8)))
    np.testing.assert_allclose(face.landmarks, (11, 7) + 13 * SHARES)
    assert (face.box.shape, face.landmarks.shape, face.landmarks.dtype) == ((4,), (5, 2), np.float64)


def test_each_network_moves_the_box_it_is_given():
    (face,) = detector(first=(0, 0, 0, 5 / 13), second=(0.5, 0, 0.5, 0), third=(0.1, 0.2, 0.3, 0.4)).detect(image())
    # 13 x 18 becomes a square of 18, 2.5 px wider either side; 8.5 rounds to 8 and 25.5 to 26: 19 x 18.
    # Moved by 9.5: (17.5, 7) to (35.5, 24), 19 x 18, becomes a square of 19: (17.5, 6.5) to (35.5, 24.5).
    square = np.array([18, 6, 36, 24])
    np.testing.assert_allclose(face.landmarks, square[:2] + 19 * SHARES)
    np.testing.assert_allclose(face.box, square + 19 * np.array([0.1, 0.2, 0.3, 0.4]), atol=1e-5)


def test_a_box_past_the_border_is_cut_to_the_image_after_the_network_saw_it():
    (face,) = detector([(0, 0)], first=(-0.5, 0, -0.5, 0)).detect(image())
    # (1, 1) to (13, 13) moved left by 6.5: -5.5 rounds to -6 and 6.5 to 6. The part inside, (0, 1) to (6, 13), becomes
    # a square again for the output network, (-3, 1) to (9, 13), and is cut again.
    assert face.box.tolist() == [0, 1, 9, 13]
    np.testing.assert_allclose(face.landmarks, (0, 1) + np.array([10, 13]) * SHARES)


def test_boxes_moved_out_of_the_image_are_dropped():
    assert detector(first=(5, 0, 5, 0)).detect(image()) == []
    assert detector(second=(0, -2, 0, -2)).detect(image()) == []


def test_what_a_network_refuses_is_dropped():
    assert detector(accepts=lambda crop: False).detect(image()) == []
    assert detector(places=()).detect(image()) == []
    assert detector(thresholds=(0.6, 0.7, 0.9999)).detect(image()) == []
    assert len(detector(thresholds=(0.6, 0.7, 0.999)).detect(image())) == 1


def test_the_networks_see_bgr():
    red = image(color=(255, 0, 0))
    assert detector(accepts=lambda crop: crop[2].min() > 0.9 and crop[:2].max() < -0.9).detect(red)
    assert not detector(accepts=lambda crop: crop[0].max() > -0.9).detect(red)


def test_more_candidates_than_one_batch_holds():
    places = [(row, column) for row in range(0, 56, 8) for column in range(0, 56, 8)]
    assert len(places) > 2 * BATCH
    faces = detector(places).detect(image(130, 130))
    assert sorted(tuple(face.box) for face in faces) == sorted(
        (2 * c + 1, 2 * r + 1, 2 * c + 13, 2 * r + 13) for r, c in places
    )


def test_of_faces_one_in_another_the_better_is_kept():
    crops = []

    def output(batch):
        crops.extend(batch)
        landmarks, offsets, logits = judge(landmarks=True)(batch)
        offsets[1] = (-0.6, 0, 0.5, 0)  # wider: holds most of the first
        logits[1] += (0, 1)
        return landmarks, offsets, logits

    networks = MtcnnNetworks(proposal([(3, 5), (3, 9)]), judge(), output)
    (face,) = MTCNN(networks, min_size=12).detect(image())
    assert len(crops) == 2
    assert face.score == pytest.approx(1 / (1 + math.exp(-9)))


def landmark_network(moves, seen=None):
    """Moves each landmark by ``moves`` (5, 2), in shares of its patch."""

    def network(batch):
        if seen is not None:
            seen.append(batch)
        return [np.tile(np.float32(np.add(move, 0.5)), (len(batch), 1)) for move in moves]

    return network


def test_landmarks_are_refined_in_patches_of_whole_pixels():
    seen = []
    moves = [(0, 0), (0.25, 0), (0, -0.3), (0.36, 0.1), (0.1, -0.36)]
    (face,) = detector(landmark=landmark_network(moves, seen)).detect(image())
    # The box is 13 px: a quarter, 3.25, rounds to 3, made even: 4. Patches begin at whole pixels.
    corners = np.round((11, 7) + 13 * SHARES - 2)
    moves[3:] = [(0, 0), (0, 0)]  # too far, in one direction: none at all
    np.testing.assert_allclose(face.landmarks, corners + 4 * (0.5 + np.array(moves)), atol=1e-5)
    assert [batch.shape for batch in seen] == [(1, 15, 24, 24)]


def test_a_patch_has_two_pixels_at_least():
    # The box is 1 pixel: (17, 13) to (17, 13). A quarter of it rounds to none.
    shrink = (6 / 13, 6 / 13, -6 / 13, -6 / 13)
    (face,) = detector(third=shrink, landmark=landmark_network(np.full((5, 2), 0.25))).detect(image())
    assert (face.box[2:] - face.box[:2] + 1).tolist() == pytest.approx([1, 1])
    corners = np.round((11, 7) + 13 * SHARES - 1)
    np.testing.assert_allclose(face.landmarks, corners + 2 * 0.75, atol=1e-5)


def test_patches_are_stacked_by_landmark_and_black_outside_the_image():
    seen = []
    picture = image(20, 21, (255, 0, 0))
    found = detector([(0, 0), (4, 4)], landmark=landmark_network(np.zeros((5, 2)), seen)).detect(picture)
    assert len(found) == len(seen[0])
    planes = seen[0].reshape(len(found), 5, 3, 24, 24)
    assert (planes[:, :, 2] > 0.9).all()
    assert (planes[:, :, :2] < -0.9).all()


def test_landmark_refinement_is_used_where_its_weights_are_given():
    moved = landmark_network(np.full((5, 2), 0.25))
    on, off = (detector(landmark=moved, landmark_refinement=use).detect(image()) for use in (True, False))
    auto = detector(landmark=moved).detect(image())
    np.testing.assert_array_equal(on[0].landmarks, auto[0].landmarks)
    assert not np.allclose(off[0].landmarks, on[0].landmarks)
    np.testing.assert_array_equal(off[0].landmarks, detector().detect(image())[0].landmarks)
    with pytest.raises(InputError, match=r"^landmark refinement: needs det4-symbol.json and det4-0001.params"):
        detector(landmark_refinement=True)


OFFSETS = {"second": (0.5, 0, 0.5, 0), "third": (0.1, 0.2, 0.3, 0.4)}


def confirm(boxes, picture, thresholds=(0.0, 0.2), **options):
    """What `MTCNN.confirm` finds where the first stage would find nothing."""
    return detector(places=(), **options).confirm(picture, boxes, thresholds)


def test_confirm_is_the_cascade_from_its_second_stage():
    found = detector([(3, 5), (20, 20)], landmark=landmark_network(np.full((5, 2), 0.2)), **OFFSETS).detect(image())
    boxes = [[11, 7, 23, 19], [41, 41, 53, 53]]  # where the first stage has them
    again = confirm(boxes, image(), (0.7, 0.8), landmark=landmark_network(np.full((5, 2), 0.2)), **OFFSETS)
    assert len(found) == 2
    assert {tuple(face.box) for face in again} == {tuple(face.box) for face in found}
    for first, second in zip(*(sorted(faces, key=lambda face: face.box[0]) for faces in (found, again))):
        np.testing.assert_array_equal(first.landmarks, second.landmarks)
        assert first.score == second.score


def test_confirm_takes_a_whole_image_that_is_not_square():
    (face,) = confirm([[0, 0, 60, 40]], image(40, 60))
    # Within the image (0, 0) to (59, 39); a square for the output network, ten rows past it, cut again.
    assert face.box.tolist() == [0, 0, 59, 39]
    np.testing.assert_allclose(face.landmarks, (60, 40) * SHARES)


def test_confirm_rounds_boxes_to_whole_pixels():
    (face,) = confirm([[10.6, 7.4, 23.4, 18.6]], image())
    assert face.box.tolist() == [11, 7, 23, 19]


def test_confirm_by_its_own_thresholds():
    whole, refused = [[0, 0, 60, 60]], {"accepts": lambda crop: False}  # probability 0.0003
    assert len(detector(thresholds=(1, 1, 1)).confirm(image(), whole)) == 1
    assert len(confirm(whole, image(), **refused)) == 1
    assert confirm(whole, image(), (0.001, 0.2), **refused) == []
    assert confirm(whole, image(), (0, 0.9999)) == []


@pytest.mark.parametrize(("logit", "found"), [(-1.5, 0), (-1.3, 1), (0, 1), (2, 1)])  # 0.18, 0.21, 0.5, 0.88
def test_confirm_takes_faces_of_a_fifth_by_default(logit, found):
    def output(batch):
        landmarks, offsets, logits = judge(landmarks=True)(batch)
        return landmarks, offsets, np.full_like(logits, (0, logit))

    networks = MtcnnNetworks(proposal(()), judge(accepts=lambda crop: False), output)
    assert len(MTCNN(networks).confirm(image(), [[0, 0, 60, 60]])) == found


def test_confirm_leaves_out_boxes_beside_the_image_and_far_larger_ones():
    outside = [[-20, 0, -1, 19], [60, 0, 79, 19], [20, 20, 10, 30], [np.nan, 0, 10, 10]]
    assert confirm([*outside, [-60, -60, 61, 61], [-1e9, -1e9, 1e9, 1e9]], image()) == []
    assert len(confirm([[-60, -60, 59, 59], *outside], image())) == 1
    assert confirm(np.empty((0, 4)), image()) == []


def test_a_square_about_a_strip_takes_no_memory():
    assert confirm([[0, 0, 200_000, 12]], image(12, 200_000)) == []  # 120 GB otherwise


@pytest.mark.parametrize("boxes", [[0, 0, 60, 60], [], [[0, 0, 60]]])
def test_confirm_with_boxes_of_another_shape(boxes):
    with pytest.raises(ValueError, match=r"expected boxes \(n, 4\), found \("):
        confirm(boxes, image())


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (12, 12), (400, 11)])
def test_images_not_larger_than_the_smallest_face(size):
    assert detector().detect(image(*size)) == []


def test_an_image_barely_larger():
    assert len(detector([(0, 0)]).detect(image(13, 13))) == 1


@pytest.mark.parametrize(
    ("photo", "found"),
    [
        (np.zeros((40, 40), np.uint8), r"uint8 \(40, 40\)"),
        (np.zeros((40, 40, 4), np.uint8), r"uint8 \(40, 40, 4\)"),
        (np.zeros((40, 40, 3), np.float32), r"float32 \(40, 40, 3\)"),
    ],
)
def test_images_of_another_kind(photo, found):
    with pytest.raises(ImageError, match=rf"expected uint8 \(H, W, 3\), found {found}"):
        detector().detect(photo)
    with pytest.raises(ImageError, match=rf"expected uint8 \(H, W, 3\), found {found}"):
        detector().confirm(photo, [[0, 0, 40, 40]])


@pytest.mark.parametrize(
    "options",
    [
        {"min_size": 11},
        {"factor": 0.991},
        {"factor": 0.9999999},
        {"factor": 1},
        {"factor": 0},
        {"thresholds": (0.6, 0.7)},
        {"thresholds": (0.6, 0.7, 1.1)},
    ],
)
def test_arguments_out_of_range(options):  # a factor of nearly 1 would not end
    with pytest.raises(ValueError, match=r"expected a min_size of 12 or more, three thresholds of 0..1 and a factor"):
        detector(**options)
