"""A small pack and a stand-in embedder, so that the protocol's tests need no model."""

import numpy as np
import pytest

from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.verification_pack import VerificationPack

SIZE = (12, 10)  # height, width: different, so that no test passes with the two exchanged


class PixelEmbedder:
    """The embedding of an image is its pixels, centred: any mix-up of images or mirrors shows."""

    name = "pixels"
    image_size = SIZE
    embedding_size = SIZE[0] * SIZE[1] * 3

    def __init__(self):
        self.batches = []

    def embed(self, images):
        assert images.dtype == np.uint8
        assert images.shape[1:] == (*SIZE, 3)
        self.batches.append(len(images))
        return images.reshape(len(images), -1).astype(np.float32) - 127.5


@pytest.fixture
def embedder():
    return PixelEmbedder()


def face(rng, size=SIZE):
    return rng.integers(0, 256, (*size, 3), dtype=np.uint8)


def make_pack(pairs, seed=0, one_kind=False):
    """A pack of noise images, pairs alternately same (a noisy copy) and different; every fourth pair reuses images."""
    rng = np.random.default_rng(seed)
    images, is_same = [], []
    for pair in range(pairs):
        if pair % 4 == 3:
            images += [images[0], images[3]]
            is_same.append(one_kind)
            continue
        left, other = face(rng), face(rng)
        same = one_kind or pair % 2 == 0
        right = (left * 0.5 + other * 0.5).astype(np.uint8) if same else other
        images += [encode_rgb(left, ".png"), encode_rgb(right, ".png")]
        is_same.append(same)
    return VerificationPack(images, np.array(is_same))


@pytest.fixture(name="make_pack")
def make_pack_fixture():
    return make_pack
