import numpy as np
import pytest

from insightrec.deploy.face_aligner import FaceAligner, center_crop
from insightrec.deploy.mtcnn import DetectedFace
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import SIZES, align_face, template


class Finder:
    """Says what it is told to have found, and keeps what it was asked."""

    def __init__(self, *faces):
        self.faces, self.asked = list(faces), []

    def __call__(self, *, min_size):
        self.asked.append(min_size)
        return self

    def detect(self, image):
        self.asked.append(image)
        return self.faces


def face(left, top, side, score=0.9):
    box = np.array([left, top, left + side - 1, top + side - 1], float)
    return DetectedFace(box, score, (left, top) + template((112, 112)) * (side / 112))


@pytest.fixture
def photo():
    return np.random.default_rng(3).integers(0, 256, (240, 320, 3), np.uint8)


def test_the_crop_is_what_the_landmarks_give(photo):
    found = FaceAligner(Finder(face(40, 50, 120, 0.7)), image_size=(112, 96)).align(photo)
    np.testing.assert_array_equal(found.crop, align_face(photo, found.landmarks, (112, 96)))
    assert (found.crop.shape, found.crop.dtype) == ((112, 96, 3), np.uint8)
    assert (found.box.tolist(), found.score, found.faces, found.how) == ([40, 50, 159, 169], 0.7, 1, "detected")


@pytest.mark.parametrize(("rule", "left"), [("central", 100), ("largest", 0)])
def test_one_of_several_is_chosen(photo, rule, left):
    found = FaceAligner(Finder(face(0, 0, 100), face(100, 60, 90)), rule=rule).align(photo)
    assert (found.box[0], found.faces) == (left, 2)


def test_no_face(photo):
    assert FaceAligner(Finder()).align(photo) is None


def test_a_small_photo_is_searched_as_it_is(photo):
    finder = Finder()
    FaceAligner(finder, min_face=31, detection_side=320).align(photo)
    assert finder.asked[0] == 31
    assert finder.asked[1] is photo


def test_a_large_photo_is_searched_in_a_smaller_copy():
    photo = np.zeros((300, 1200, 3), np.uint8)
    photo[100:200, 400:500] = 255
    finder = Finder(DetectedFace(np.array([100.0, 25, 124, 49]), 0.9, np.array([100, 25]) + template((112, 112)) / 5))
    found = FaceAligner(finder, min_face=80, detection_side=300).align(photo)
    small = finder.asked[1]
    assert (finder.asked[0], small.shape) == (20, (75, 300, 3))
    assert small[25:50, 100:125].min() == 255  # 4 x 4 pixels became one each
    assert small.sum() == 25 * 25 * 3 * 255
    assert found.box.tolist() == [400, 100, 499, 199]
    np.testing.assert_allclose(found.landmarks, (400, 100) + template((112, 112)) * 4 / 5)
    np.testing.assert_array_equal(found.crop, align_face(photo, found.landmarks))


def test_no_face_of_less_than_twelve_pixels_is_looked_for():
    finder = Finder()
    FaceAligner(finder, min_face=20, detection_side=100).align(np.zeros((1000, 10, 3), np.uint8))
    assert (finder.asked[0], finder.asked[1].shape) == (12, (100, 1, 3))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("photo_size", [(240, 320), (320, 240), (200, 200), (900, 33), (112, 96)])
def test_a_centre_crop_leaves_the_margin(photo_size, size):
    box, landmarks = center_crop(photo_size, size)
    height, width = photo_size
    left, top, right, bottom = box[0], box[1], width - 1 - box[2], height - 1 - box[3]
    assert left == pytest.approx(right)
    assert top == pytest.approx(bottom)
    assert min(left, top) == pytest.approx(0.0625 * min(photo_size))
    assert (box[3] - box[1] + 1) / (box[2] - box[0] + 1) == pytest.approx(size[0] / size[1])
    assert landmarks.shape == (5, 2)


def test_a_centre_crop_cuts_out_just_its_box():
    photo = np.zeros((256, 400, 3), np.uint8)
    photo[16:240, 88:312] = 255  # 256 / 16 from above, a square of 224
    found = FaceAligner(Finder(), on_missing="center-crop").align(photo)
    assert found.box.tolist() == [88, 16, 311, 239]
    assert found.crop.min() == 255  # no pixel of the border
    assert np.isnan(found.score)
    assert (found.faces, found.how) == (0, "center-crop")
    photo[17:239, 89:311] = 0
    rim = align_face(photo, found.landmarks).max(axis=2)
    assert all(edge.max() > 100 for edge in (rim[0], rim[-1], rim[:, 0], rim[:, -1]))
    assert rim[1:-1, 1:-1].max() == 0


def test_a_centre_crop_without_scale_moves_pixels_only():
    photo = np.random.default_rng(0).integers(0, 256, (128, 160, 3), np.uint8)
    found = FaceAligner(Finder(), on_missing="center-crop").align(photo)
    np.testing.assert_array_equal(found.crop, photo[8:120, 24:136])


def wrong(left):
    """A face whose landmarks coincide, and which both rules prefer."""
    return DetectedFace(np.array([left, 0.0, 319, 239]), 0.9, np.full((5, 2), 4.0))


def test_faces_that_cannot_be_aligned_are_passed_over(photo):
    faces = face(0, 0, 60), wrong(0), wrong(1), face(100, 60, 90)
    found = FaceAligner(Finder(*faces)).align(photo)
    assert (found.box[0], found.faces, found.how) == (100, 4, "detected")
    np.testing.assert_array_equal(found.crop, align_face(photo, faces[3].landmarks))


def test_no_face_that_can_be_aligned(photo):
    with pytest.raises(ImageError, match="expected five distinct landmarks"):
        FaceAligner(Finder(wrong(0), wrong(1))).align(photo)
    found = FaceAligner(Finder(wrong(0), wrong(1)), on_missing="center-crop").align(photo)
    assert (found.how, found.faces) == ("center-crop", 2)
    np.testing.assert_array_equal(found.crop, FaceAligner(Finder(), on_missing="center-crop").align(photo).crop)


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (3, 30_000), (30_000, 3)])
def test_a_photo_too_small_for_a_centre_crop(size):
    photo = np.zeros((*size, 3), np.uint8)
    assert FaceAligner(Finder()).align(photo) is None
    said = f"^expected a photo of 6x6 pixels or more to cut out its middle, found {size[0]}x{size[1]}$"
    with pytest.raises(ImageError, match=said):
        FaceAligner(Finder(), on_missing="center-crop").align(photo)


@pytest.mark.parametrize("image_size", SIZES)
@pytest.mark.parametrize("size", [(6, 6), (6, 7), (6, 32_766), (32_766, 6), (3000, 32_766)])
def test_the_smallest_and_the_longest_photos_have_a_centre_crop(size, image_size):
    photo = np.full((*size, 3), 200, np.uint8)
    found = FaceAligner(Finder(), on_missing="center-crop", image_size=image_size).align(photo)
    assert found.crop[4:-4, 4:-4].min() == 200


def test_a_photo_that_opencv_cannot_warp():
    with pytest.raises(ImageError, match="an image of at most 32766 pixels a side, found 100x32767; shrink it"):
        FaceAligner(Finder(face(0, 0, 90))).align(np.zeros((100, 32_767, 3), np.uint8))


def test_options_that_are_not_on_offer():
    with pytest.raises(ImageError, match="96x96: the template is for"):
        FaceAligner(Finder(), image_size=(96, 96))
    with pytest.raises(ValueError, match="expected on_missing of skip, center-crop, found 'crop'"):
        FaceAligner(Finder(), on_missing="crop")
    with pytest.raises(ValueError, match="expected a rule"):
        FaceAligner(Finder(face(0, 0, 50)), rule="first").align(np.zeros((60, 60, 3), np.uint8))
