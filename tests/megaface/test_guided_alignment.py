"""The fallbacks, their order and their geometry, with a stand-in for the detector.

A photo here tells where each pixel is from: red is its x, green its y, and blue marks what is photo. Both are
linear, so that interpolation keeps them, and a crop can be read like a map.
"""

import numpy as np
import pytest

from insightrec.deploy.mtcnn import DetectedFace
from insightrec.megaface.face_guide import FaceGuide
from insightrec.megaface.guided_alignment import HOW, GuidedAligner
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import SIZES, align_face, similarity, template

HEIGHT, WIDTH = 200, 240
TURN = np.array([[0.5, -0.2], [0.2, 0.5]])  # the template turned and at about half its size
LANDMARKS = template((112, 112)) @ TURN.T + (90, 60)
BOX = np.array([80.0, 70, 139, 139])
FACE = DetectedFace(BOX, 0.875, LANDMARKS)
GUIDE = FaceGuide(BOX, LANDMARKS[:3])


@pytest.fixture
def photo():
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    image[:, :, 0], image[:, :, 1] = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    return image


def origin(image):
    """(2, 3): from places in an image made of a photo to places in the photo, as its colors say."""
    rows, columns = np.nonzero(image[:, :, 2] == 255)
    places = np.stack([columns, rows, np.ones(len(rows))], axis=1)
    return np.linalg.lstsq(places, image[rows, columns, :2].astype(float), rcond=None)[0].T


class StandIn:
    """Finds in the canvas, in the photo and in a box what it is told to; ``calls`` says what it was asked."""

    def __init__(self, canvas=(), photo=(), forced=()):
        self.canvas, self.photo, self.forced, self.calls = canvas, photo, forced, []

    def __call__(self, min_size):
        return _Detector(self, min_size)


class _Detector:
    def __init__(self, told, min_size):
        self._told, self._min_size = told, min_size

    def detect(self, image):
        if image.shape[0] != 224:
            self._told.calls.append(("photo", self._min_size))
            return list(self._told.photo)
        self._told.calls.append(("canvas", self._min_size, image.shape))
        if not self._told.canvas:
            return []
        matrix = origin(image)
        back = np.linalg.inv(matrix[:, :2])
        return [
            DetectedFace(((box.reshape(2, 2) - matrix[:, 2]) @ back.T).ravel(), score, (points - matrix[:, 2]) @ back.T)
            for box, score, points in self._told.canvas
        ]

    def confirm(self, image, boxes, thresholds):
        self._told.calls.append(("forced", boxes.tolist(), thresholds))
        return list(self._told.forced)


def other(face, **fields):
    return face._replace(**fields)


STAGES = [("canvas", "landmarks"), ("photo", "detected"), ("forced", "forced")]


@pytest.mark.parametrize("first", range(4))
def test_the_order_and_nothing_tried_behind_the_first_success(photo, first):
    detectors = StandIn(**{stage: [FACE] for stage, _ in STAGES[first:]})
    found = GuidedAligner(detectors).align(photo, GUIDE)
    assert found.how == [*(how for _, how in STAGES), "box-crop"][first] == HOW[first]
    assert [call[0] for call in detectors.calls] == [stage for stage, _ in STAGES[: first + 1]]
    assert found.fault == ""


@pytest.mark.parametrize(
    ("guide", "tried", "how"),
    [
        (FaceGuide(BOX), ["photo", "forced"], "box-crop"),
        (FaceGuide(landmarks=LANDMARKS[:3]), ["canvas"], "photo-crop"),
        (FaceGuide(), [], "photo-crop"),
    ],
)
def test_what_is_tried_with_less_known(photo, guide, tried, how):
    detectors = StandIn()
    assert GuidedAligner(detectors).align(photo, guide).how == how
    assert [call[0] for call in detectors.calls] == tried


@pytest.mark.parametrize(
    ("size", "canvas"), [((112, 112), (224, 224, 3)), ((112, 96), (224, 192, 3))], ids=["112x112", "112x96"]
)
def test_what_the_detector_is_asked(photo, size, canvas):
    detectors = StandIn()
    GuidedAligner(detectors, size).align(photo, GUIDE)
    assert detectors.calls == [("canvas", 112, canvas), ("photo", 50), ("forced", [BOX.tolist()], (0.0, 0.3))]


def test_a_low_photo_is_searched_for_faces_of_twelve_pixels(photo):
    sizes = []

    def detectors(min_size):
        sizes.append(min_size)
        return _Detector(StandIn(), min_size)

    GuidedAligner(detectors).align(np.zeros((40, WIDTH, 3), np.uint8), FaceGuide(np.array([1.0, 1, 30, 30])))
    assert sizes == [112, 12]


def test_given_landmarks_come_to_the_middle_of_the_canvas_at_one_and_a_half_times_the_size(photo):
    seen = []

    class Watching(_Detector):
        def detect(self, image):
            seen.append(image)
            return super().detect(image)

    GuidedAligner(lambda min_size: Watching(StandIn(), min_size)).align(photo, GUIDE)
    matrix = origin(seen[0])
    # The nose, (56.0252, 71.7366) in the crop, is at 1.5 times that from a corner 28 px off.
    np.testing.assert_allclose(matrix @ (56.0252 * 1.5 + 28, 71.7366 * 1.5 + 28, 1), LANDMARKS[2], atol=0.05)
    assert np.hypot(*matrix[:, 0]) == pytest.approx(np.hypot(0.5, 0.2) / 1.5, rel=1e-3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", ["canvas", "photo", "forced"])
def test_a_face_that_was_found_is_aligned_from_the_photo(photo, size, stage):
    found = GuidedAligner(StandIn(**{stage: [FACE]}), size).align(photo, GUIDE)
    np.testing.assert_allclose(found.landmarks, LANDMARKS, atol=0.05)
    assert found.score == 0.875
    np.testing.assert_array_equal(found.crop, align_face(photo, found.landmarks, size))
    matrix = similarity(template(size), LANDMARKS)
    np.testing.assert_allclose(origin(found.crop), matrix, atol=0.1)
    if stage != "canvas":
        assert found.box is FACE.box


def test_a_box_is_carried_back_upright_about_its_centre(photo):
    found = GuidedAligner(StandIn(canvas=[FACE])).align(photo, GUIDE)
    corners = BOX.reshape(2, 2)
    np.testing.assert_allclose(found.box.reshape(2, 2).mean(axis=0), corners.mean(axis=0), atol=0.05)
    # The diagonal of the box keeps its length; the canvas is turned by 21.8 degrees.
    turned = np.hypot(*(found.box[2:] - found.box[:2]))
    assert turned == pytest.approx(np.hypot(*(BOX[2:] - BOX[:2])), abs=0.1)


def test_of_faces_in_the_canvas_the_central_one_is_taken(photo):
    small = other(FACE, box=BOX + (50, 20, 20, -10), score=0.99, landmarks=LANDMARKS + 30)
    found = GuidedAligner(StandIn(canvas=[small, FACE])).align(photo, GUIDE)
    assert found.score == 0.875


def test_of_faces_in_the_photo_the_one_that_overlaps_most(photo):
    # BOX is 60 x 70; moved by 20 in x the shares are 40 / 80 of the union, by 10 they are 50 / 70.
    far, near = (other(FACE, box=BOX + (move, 0, move, 0), score=score) for move, score in ((20, 0.9), (10, 0.7)))
    found = GuidedAligner(StandIn(photo=[far, near], forced=[FACE])).align(photo, FaceGuide(BOX))
    assert (found.how, found.score) == ("detected", 0.7)


@pytest.mark.parametrize(("move", "how"), [(32, "detected"), (33, "forced")])  # 28 of 92, 27 of 93 columns
def test_the_least_overlap(photo, move, how):
    moved = other(FACE, box=BOX + (move, 0, move, 0))
    assert GuidedAligner(StandIn(photo=[moved], forced=[FACE])).align(photo, FaceGuide(BOX)).how == how


@pytest.mark.parametrize("stage", ["canvas", "photo", "forced"])
@pytest.mark.parametrize("landmarks", [np.full((5, 2), 50.0), LANDMARKS + 1000, np.full((5, 2), np.nan)])
def test_a_face_with_landmarks_that_carry_no_crop_is_passed_over(photo, stage, landmarks):
    found = GuidedAligner(StandIn(**{stage: [other(FACE, landmarks=landmarks)]})).align(photo, GUIDE)
    assert found.how == "box-crop"


@pytest.mark.parametrize(("size", "columns"), [((112, 112), (75, 144)), ((112, 96), (80, 139))])
def test_the_box_itself(photo, size, columns):
    found = GuidedAligner(StandIn(), size).align(photo, FaceGuide(BOX))  # 60 x 70, about x = 110
    assert (found.how, found.crop.shape) == ("box-crop", (*size, 3))
    assert found.box.tolist() == [columns[0], 70, columns[1], 139]
    assert np.isnan(found.score)
    assert np.isnan(found.landmarks).all()
    first, last = found.crop[0, 0], found.crop[-1, -1]
    np.testing.assert_allclose(first[:2], found.box[:2], atol=1)
    np.testing.assert_allclose(last[:2], found.box[2:], atol=1)


@pytest.mark.parametrize(
    ("box", "region"),
    [
        ([-20, -30, 39, 29], [0, 0, 39, 29]),
        ([200, 150, 299, 249], [200, 150, 239, 199]),
        ([230, 10, 400, 20], [239, 10, 239, 20]),  # its middle lies outside; a column is left
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([50.4, 60.4, 69.4, 79.4], [50, 60, 69, 79]),
    ],
)
def test_a_box_at_the_border_is_cut(photo, box, region):
    found = GuidedAligner(StandIn()).align(photo, FaceGuide(np.array(box, float)))
    assert found.how == "box-crop"
    assert found.box.tolist() == region
    assert found.crop.shape == (112, 112, 3)


def test_the_photo_without_its_margins(photo):
    found = GuidedAligner(StandIn()).align(photo, FaceGuide())
    assert (found.how, found.box.tolist()) == ("photo-crop", [14, 12, 225, 187])  # 6 % of 240 and 200
    np.testing.assert_allclose(found.crop[0, 0, :2], (14, 12), atol=1)
    np.testing.assert_allclose(found.crop[-1, -1, :2], (225, 187), atol=1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (5, 2, 3)])
def test_tiny_photos(shape):
    image = np.zeros(shape, np.uint8)
    for guide in (FaceGuide(), FaceGuide(np.zeros(4), LANDMARKS[:3])):
        assert GuidedAligner(StandIn()).align(image, guide).crop.shape == (112, 112, 3)


def test_a_box_outside_the_photo_is_not_used_and_said(photo):
    for box in ([-50, 10, -1, 60], [240, 10, 300, 60], [10, 200, 60, 260]):
        found = GuidedAligner(StandIn(photo=[FACE], forced=[FACE])).align(photo, FaceGuide(np.array(box, float)))
        assert found.how == "photo-crop"
        assert found.fault == f"expected a box within the photo, 200x240, found {[float(side) for side in box]}"


@pytest.mark.parametrize("landmarks", [np.full((3, 2), 40.0), LANDMARKS[:3] + 300, LANDMARKS[:3] - (900_000, 0)])
def test_landmarks_that_coincide_or_lie_outside_are_not_used_and_said(photo, landmarks):
    found = GuidedAligner(StandIn(canvas=[FACE], photo=[FACE])).align(photo, FaceGuide(BOX, landmarks))
    assert found.how == "detected"
    assert found.fault == f"expected three landmarks within the photo, 200x240, found {landmarks.tolist()}"


def test_one_landmark_within_the_photo_is_enough(photo):
    landmarks = np.array([[-40.0, 10], [2, 12], [-20, 30]])
    assert GuidedAligner(StandIn(canvas=[FACE])).align(photo, FaceGuide(BOX, landmarks)).how == "landmarks"


def test_a_photo_that_opencv_cannot_warp():
    with pytest.raises(ImageError, match="at most 32766 pixels a side, found 2x32767"):
        GuidedAligner(StandIn()).align(np.zeros((2, 32_767, 3), np.uint8), GUIDE)


def test_a_size_without_a_template():
    with pytest.raises(ImageError, match="alignment to 100x100"):
        GuidedAligner(StandIn(), (100, 100))
