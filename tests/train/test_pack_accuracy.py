import numpy as np
import pytest

from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.verification_result import verify
from insightrec.recordio_tools.errors import ImageError, InputError
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.verification_pack import read_pack, write_pack
from insightrec.train.pack_accuracy import PackAccuracy

SIZE = (6, 5)


class PixelEmbedder:
    image_size = SIZE

    def embed(self, images):
        return images.reshape(len(images), -1).astype(np.float32) - 127.5


@pytest.fixture
def targets(tmp_path):
    """Two packs of noise, of 8 and 12 pairs; an image and its brighter copy, or two images."""
    rng = np.random.default_rng(0)
    paths = {}
    for name, pairs in (("b", 8), ("a", 12)):
        images = []
        for pair in range(pairs):
            left, other = rng.integers(0, 200, (2, *SIZE, 3), np.uint8)
            images += [left, other if pair % 2 else left + 50]
        paths[name] = tmp_path / f"{name}.bin"
        write_pack(paths[name], [encode_rgb(image, ".png") for image in images], [not p % 2 for p in range(pairs)])
    return paths


def test_every_pack_is_verified_in_order(targets):
    packs = PackAccuracy(targets, SIZE, nfolds=4)
    assert packs
    for _ in range(2):
        results = packs(PixelEmbedder())
        assert list(results) == ["b", "a"]
        for name, path in targets.items():
            expected = verify(embed_pack(PixelEmbedder(), read_pack(path), path), 4)
            assert results[name].flip.accuracy == expected.flip.accuracy
            assert results[name].xnorm == expected.xnorm


def test_without_packs_there_is_nothing_to_do():
    packs = PackAccuracy({}, SIZE)
    assert not packs
    assert packs(PixelEmbedder()) == {}


def test_too_few_pairs_are_refused_before_training_by_the_name_of_the_pack(targets):
    with pytest.raises(InputError, match=r"b\.bin: expected 1 to 8 folds .* found 10; change --nfolds"):
        PackAccuracy(targets, SIZE)


def test_images_of_other_proportions_are_refused_before_training(targets):
    with pytest.raises(ImageError, match=r"b\.bin: image 0: expected an image of 8x24"):
        PackAccuracy(targets, (8, 24), nfolds=4)
