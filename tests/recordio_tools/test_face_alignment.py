import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import align_face, similarity, template

transform = pytest.importorskip("skimage.transform", reason="scikit-image, the oracle, is not installed")


@given(st.integers(0, 10**6))
def test_equals_scikit_image(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.uniform(0, 300, (2, 5, 2))
    oracle = transform.SimilarityTransform
    if hasattr(oracle, "from_estimate"):
        oracle = oracle.from_estimate(source, target)
    else:  # scikit-image before 0.26
        oracle = oracle()
        assert oracle.estimate(source, target)
    np.testing.assert_allclose(similarity(source, target), oracle.params[:2], rtol=1e-9, atol=1e-6)


def test_a_known_similarity_is_found():
    angle, scale, shift = np.deg2rad(30), 0.5, (7, -3)
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = template((112, 112))
    matrix = similarity(source, source @ rotation.T + shift)
    np.testing.assert_allclose(matrix, np.column_stack([rotation, shift]), atol=1e-12)


def test_the_wide_template_is_the_narrow_one_moved_by_8():
    np.testing.assert_allclose(template((112, 112)) - template((112, 96)), np.tile([8.0, 0.0], (5, 1)))
    assert template((112, 112))[2].tolist() == [56.0252, 71.7366]
    with pytest.raises(ImageError, match="128x128: the template is for 112x112 and 112x96"):
        template((128, 128))


def test_dots_at_the_landmarks_land_on_the_template():
    landmarks = np.array([(100, 120), (180, 110), (146, 160), (115, 205), (183, 198)], float)
    photo = np.zeros((300, 300, 3), np.uint8)
    for x, y in landmarks.astype(int):
        photo[y - 2 : y + 3, x - 2 : x + 3] = 255
    crop = align_face(photo, landmarks).max(axis=2)
    for x, y in template((112, 112)):
        window = crop[int(y) - 6 : int(y) + 8, int(x) - 6 : int(x) + 8]
        rows, columns = np.nonzero(window > 100)
        assert np.hypot(rows.mean() + int(y) - 6 - y, columns.mean() + int(x) - 6 - x) < 3


@pytest.mark.parametrize(
    "points", [np.zeros((5, 2)), np.full((5, 2), 40.3), np.full((5, 2), np.nan), np.full((5, 2), np.inf)]
)
def test_degenerate_landmarks_are_refused(points):
    with pytest.raises(ImageError, match="expected five distinct landmarks"):
        align_face(np.zeros((50, 50, 3), np.uint8), points)


@pytest.mark.parametrize("far", [1e200, 1e100, 1e7])
def test_a_landmark_far_away_is_refused(far):
    points = template((112, 112)).copy()
    points[2, 0] = far
    with pytest.raises(ImageError, match="too far apart"):
        align_face(np.zeros((112, 112, 3), np.uint8), points)


def test_landmarks_outside_the_image_are_refused():
    image = np.zeros((112, 112, 3), np.uint8)
    with pytest.raises(ImageError, match="within the image, 112x112, found all five outside"):
        align_face(image, template((112, 112)) + (200, 0))
    align_face(image, template((112, 112)) + (60, 0))  # some lie within


def test_a_photo_too_long_for_opencvs_warp():
    photo = np.zeros((20, 40000, 3), np.uint8)
    with pytest.raises(ImageError, match="at most 32766 pixels a side, found 20x40000"):
        align_face(photo, template((112, 112)) / 10)
    assert align_face(photo[:, :32766], template((112, 112)) / 10).shape == (112, 112, 3)
