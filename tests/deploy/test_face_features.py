import numpy as np
import pytest

from insightrec.deploy.face_features import face_features, unit_rows
from insightrec.recordio_tools.errors import ModelError


class PixelSums:
    """An embedder whose numbers are known: sums of the left and of the right half of an image's red."""

    def embed(self, images):
        half = images.shape[2] // 2
        red = images[..., 0].astype(np.float32)
        return np.stack([red[:, :, :half].sum((1, 2)), red[:, :, half:].sum((1, 2))], axis=1)


@pytest.fixture
def images():
    images = np.zeros((2, 1, 2, 3), np.uint8)
    images[:, 0, :, 0] = [[3, 4], [255, 0]]
    return images


def test_without_the_mirror_image(images):
    found = face_features(PixelSums(), images, mirror=False, names=["first", "second"])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[0.6, 0.8], [1, 0]], rtol=1e-15)


def test_embeddings_are_added_before_the_length_is_made_1(images):
    found = face_features(PixelSums(), images, mirror=True, names=["first", "second"])
    np.testing.assert_allclose(found, np.full((2, 2), 0.5**0.5), rtol=1e-15)  # (7, 7) and (255, 255)


def test_the_embedder_sees_the_mirror_image(images, rng):
    weights = rng.standard_normal((images[0].size, 5)).astype(np.float32)

    class Linear:
        def embed(self, images):
            return images.reshape(len(images), -1).astype(np.float32) @ weights

    for found, image in zip(face_features(Linear(), images, mirror=True, names=["first", "second"]), images):
        mirrored = np.array([[row[1], row[0]] for row in image])  # by hand: two columns change places
        total = sum(item.reshape(-1).astype(np.float32) @ weights for item in (image, mirrored)).astype(np.float64)
        np.testing.assert_allclose(found, total / np.sqrt((total**2).sum()), rtol=1e-6)


def test_no_images():
    assert unit_rows(np.empty((0, 4)), []).shape == (0, 4)


@pytest.mark.parametrize("wrong", [0, np.nan, np.inf, -np.inf])
def test_rows_without_a_direction(wrong):
    features = np.ones((4, 3))
    features[[2, 3]] = wrong
    with pytest.raises(ModelError, match=r"^c: expected an embedding .* as for 2 of 4 images;"):
        unit_rows(features, "abcd")


def test_a_black_image_of_an_embedder_without_bias(images):
    images[1] = 0
    with pytest.raises(ModelError, match="^second: .* as for 1 of 2 images"):
        face_features(PixelSums(), images, mirror=True, names=["first", "second"])
