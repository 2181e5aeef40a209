import cv2
import numpy as np
import pytest

from insightrec.eval.eigenfaces import FIT_IMAGES, EigenfacesEmbedder, sample_positions
from insightrec.recordio_tools.errors import InputError


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 60, 56, 3), dtype=np.uint8)


def test_embedding_is_the_whitened_projection_on_the_leading_eigenvectors():
    images = noise(30)
    # make the leading components stand out: a randomized solver finds those exactly
    images = (images * 0.05 + 100 * np.random.default_rng(1).random((30, 1, 1, 1))).astype(np.uint8)
    found = EigenfacesEmbedder(images, components=1).embed(images)
    gray = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (56, 56), interpolation=cv2.INTER_AREA) for image in images
    ]
    flat = np.reshape(gray, (30, -1)).astype(np.float64)
    flat -= flat.mean(axis=0)
    _, _, axes = np.linalg.svd(flat, full_matrices=False)
    projection = flat @ axes[0]
    projection /= projection.std(ddof=1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found[:, 0]), np.abs(projection), atol=1e-3)


def test_fit_is_repeatable_and_whitened():
    first, second = EigenfacesEmbedder(noise(50), 8), EigenfacesEmbedder(noise(50), 8)
    found = first.embed(noise(50))
    np.testing.assert_array_equal(found, second.embed(noise(50)))
    np.testing.assert_allclose(found.std(axis=0, ddof=1), 1, rtol=1e-3)


def test_it_has_an_embedders_form():
    found = EigenfacesEmbedder(noise(5))
    assert found.image_size == (60, 56)
    assert found.embedding_size == 4  # no more than the images span
    assert found.embed(noise(3)).shape == (3, 4)
    assert found.embed(noise(3)[:, :, ::-1]).shape == (3, 4)
    assert found.name == "eigenfaces"


def test_one_image_is_too_few():
    with pytest.raises(InputError, match="at least 2 images to fit, found 1"):
        EigenfacesEmbedder(noise(1))


def test_sample_is_bounded_repeatable_and_without_repetition():
    assert sample_positions(5) == [0, 1, 2, 3, 4]
    sample = sample_positions(3 * FIT_IMAGES)
    assert len(set(sample)) == FIT_IMAGES
    assert max(sample) > 2 * FIT_IMAGES
    assert sample == sample_positions(3 * FIT_IMAGES)
