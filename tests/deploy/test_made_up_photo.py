import numpy as np
import pytest

from insightrec.deploy.made_up_photo import FACE_SIDE, FACES_AT, made_up_photo
from insightrec.deploy.mtcnn import MTCNN
from insightrec.recordio_tools.errors import InputError


def test_repeatable():
    photo = made_up_photo()
    assert (photo.shape, photo.dtype) == ((768, 1024, 3), np.uint8)
    np.testing.assert_array_equal(made_up_photo(), photo)


def test_a_detector_finds_the_drawn_faces():
    try:
        detector = MTCNN()
    except InputError as reason:
        pytest.skip(str(reason))
    noses = [(x, y) for (x, y) in (face.landmarks[2] for face in detector.detect(made_up_photo()))]
    for top, left in FACES_AT:
        assert any(left < x < left + FACE_SIDE and top < y < top + FACE_SIDE for x, y in noses)
