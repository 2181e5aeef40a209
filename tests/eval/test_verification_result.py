import numpy as np
import pytest

from insightrec.eval.kfold_accuracy import kfold_accuracy
from insightrec.eval.pack_embeddings import PackEmbeddings, embed_pack
from insightrec.eval.pair_distance import pair_distances
from insightrec.eval.verification_result import pair_figures, verify


def test_flip_and_no_flip_are_both_computed(make_pack, embedder):
    embeddings = embed_pack(embedder, make_pack(20), "lfw.bin")
    found = verify(embeddings, nfolds=5)
    assert (found.pairs, found.same, found.distinct_images) == (20, 10, 30)
    assert found.embedding_size == 360
    for figures, flip in ((found.flip, True), (found.no_flip, False)):
        distance = pair_distances(embeddings.unit(flip))
        np.testing.assert_array_equal(figures.distance, distance)
        assert figures.accuracy == kfold_accuracy(distance, embeddings.is_same, 5)
    assert found.flip.distance.tolist() != found.no_flip.distance.tolist()
    assert found.no_flip.accuracy.mean > 0.9


def test_pairs_of_one_kind_leave_accept_rates_undefined(make_pack, embedder):
    found = verify(embed_pack(embedder, make_pack(10, one_kind=True), "small.bin"))
    assert found.flip.tar_at_far == ()
    assert found.flip.equal_error is None
    assert found.flip.validation.mean is None
    assert 0 <= found.flip.accuracy.mean <= 1


def test_pca_that_keeps_all_components_of_centred_embeddings_changes_nothing():
    rng = np.random.default_rng(2)
    half = rng.normal(size=(20, 4))
    original = np.concatenate([half, -half])  # mean zero, and so in every single fold
    embeddings = PackEmbeddings(original, original, np.arange(40), np.arange(20) % 2 == 0)
    plain, projected = verify(embeddings, nfolds=1), verify(embeddings, nfolds=1, pca=4)
    np.testing.assert_allclose(projected.flip.distance, plain.flip.distance, atol=1e-12)
    assert projected.flip.accuracy == plain.flip.accuracy
    assert (plain.pca, projected.pca) == (0, 4)


def test_pca_figures_come_from_each_folds_own_projection():
    rows = np.array([[0.1, 3.0, 0.1, 3.0], [3.0, 0.1, 3.0, 0.1]])
    is_same = np.array([True, False, True, False])
    found = pair_figures(rows, is_same, nfolds=2)
    assert found.distance.tolist() == [0.1, 3.0, 3.0, 0.1]
    assert found.accuracy == kfold_accuracy(rows, is_same, 2)
    assert found.equal_error.rate == pytest.approx(0.5)
