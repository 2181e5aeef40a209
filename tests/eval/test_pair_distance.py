import numpy as np
import pytest
from sklearn.preprocessing import normalize

from insightrec.eval.pair_distance import check_finite, check_pairs, normalized, pair_distances
from insightrec.recordio_tools.errors import InputError, ModelError


def test_normalized_is_scikit_learns_with_zero_rows_left_zero():
    embedding = np.random.default_rng(0).normal(size=(20, 5))
    embedding[3] = 0
    unit = normalized(embedding)
    np.testing.assert_allclose(unit, normalize(embedding), rtol=1e-15)
    assert not unit[3].any()


def test_normalized_works_in_float64_and_leaves_its_input():
    embedding = np.array([[3, 4]], np.float32)
    unit = normalized(embedding)
    assert unit.dtype == np.float64
    assert embedding.tolist() == [[3, 4]]


@pytest.mark.parametrize("degrees", [0, 30, 60, 90, 180])
def test_distance_follows_the_angle(degrees):
    angle = np.deg2rad(degrees)
    unit = np.array([[1, 0], [np.cos(angle), np.sin(angle)]])
    np.testing.assert_allclose(pair_distances(unit), [2 - 2 * np.cos(angle)], atol=1e-15)


def test_pairs_are_neighbouring_rows():
    unit = np.array([[1.0, 0], [0, 1], [1, 0], [1, 0]])
    assert pair_distances(unit).tolist() == [2, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_are_counted(bad):
    embedding = np.zeros((4, 3), np.float32)
    embedding[2:, 1] = bad
    with pytest.raises(ModelError, match=r"^lfw.bin: the embeddings of 2 of 4 images, the first at 2, are not finite"):
        check_finite(embedding, "lfw.bin")


def test_pairs_are_checked():
    with pytest.raises(InputError, match="found 2 and 3"):
        check_pairs([0.1, 0.2], [True, False, True])
    with pytest.raises(InputError, match="found 0 and 0"):
        check_pairs([], [])
    with pytest.raises(InputError, match="1 of 2 pair distances are not finite"):
        check_pairs([0.1, np.nan], [True, False])
