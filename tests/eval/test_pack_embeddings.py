import numpy as np
import pytest
from sklearn.preprocessing import normalize

from insightrec.eval import pack_embeddings
from insightrec.eval.pack_embeddings import PackEmbeddings, embed_pack
from insightrec.recordio_tools.errors import ImageError, ModelError
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb
from insightrec.recordio_tools.verification_pack import VerificationPack


def test_every_distinct_image_is_embedded_once_and_once_mirrored(make_pack, embedder, monkeypatch):
    monkeypatch.setattr(pack_embeddings, "BLOCK_IMAGES", 4)
    pack = make_pack(10)
    found = embed_pack(embedder, pack, "lfw.bin")
    distinct = len(set(pack.images))
    assert distinct == 16 < 20
    assert sum(embedder.batches) == 2 * distinct
    assert max(embedder.batches) == 4
    for place, encoded in enumerate(pack.images):
        image = decode_rgb(encoded, "test").astype(np.float32) - 127.5
        np.testing.assert_array_equal(found.original[found.index[place]], image.ravel())
        np.testing.assert_array_equal(found.mirrored[found.index[place]], image[:, ::-1].ravel())


def test_unit_vectors_and_norm_are_those_of_the_whole_pack(make_pack, embedder):
    pack = make_pack(10)
    images = np.stack([decode_rgb(encoded, "test") for encoded in pack.images])
    copies = [embedder.embed(images), embedder.embed(images[:, :, ::-1])]
    found = embed_pack(embedder, pack, "lfw.bin")
    np.testing.assert_allclose(found.unit(flip=True), normalize(np.float64(copies[0]) + copies[1]), rtol=1e-12)
    np.testing.assert_allclose(found.unit(flip=False), normalize(np.float64(copies[0])), rtol=1e-12)
    norms = [np.linalg.norm(np.float64(row)) for copy in copies for row in copy]
    assert found.xnorm() == pytest.approx(np.mean(norms), rel=1e-12)


def test_embeddings_that_cancel_give_zero_vectors_not_nan():
    found = PackEmbeddings(
        np.array([[1.0, 0], [0, 1]]), np.array([[-1.0, 0], [0, 1]]), np.array([0, 1]), np.array([True])
    )
    assert found.unit(flip=True).tolist() == [[0, 0], [0, 1]]


def test_a_damaged_image_is_named_by_its_first_place(make_pack, embedder):
    pack = make_pack(3)
    pack.images[4] = b"no image"
    with pytest.raises(ImageError, match=r"^lfw.bin: image 4: expected an image"):
        embed_pack(embedder, pack, "lfw.bin")


def test_an_embedding_that_is_nan_is_one_clear_error(make_pack, embedder):
    embedder.embed = lambda images: np.full((len(images), 3), np.nan, np.float32)
    with pytest.raises(ModelError, match=r"^lfw.bin: the embeddings of 4 of 4 images"):
        embed_pack(embedder, make_pack(2), "lfw.bin")


def test_a_pack_of_one_image_with_itself_works(embedder):
    image = encode_rgb(np.full((12, 10, 3), 9, np.uint8), ".png")
    found = embed_pack(embedder, VerificationPack([image, image], np.array([True])), "one.bin")
    assert found.original.shape[0] == 1
    assert found.index.tolist() == [0, 0]
