import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold
from sklearn.preprocessing import normalize

from insightrec.eval.fold_pca import fold_pca_distances, out_of_fold
from insightrec.recordio_tools.errors import InputError


@pytest.mark.parametrize("nfolds", [1, 3])
def test_distances_are_those_of_the_protocol_written_out(nfolds):
    unit = normalize(np.random.default_rng(1).normal(size=(40, 6)))
    left, right = unit[0::2], unit[1::2]
    everything = np.arange(20)
    folds = [(everything, everything)] if nfolds == 1 else list(KFold(nfolds).split(everything))
    found = fold_pca_distances(unit, nfolds, 3)
    assert found.shape == (nfolds, 20)
    for fold, (train, _) in enumerate(folds):
        pca = PCA(3).fit(np.concatenate([left[train], right[train]]))
        expected = np.square(normalize(pca.transform(left)) - normalize(pca.transform(right))).sum(axis=1)
        np.testing.assert_allclose(found[fold], expected, atol=1e-12)


def test_out_of_fold_takes_each_pair_under_its_own_fold():
    rows = np.array([[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]])
    assert out_of_fold(rows, 2).tolist() == [0, 1, 2, 13, 14]
    assert out_of_fold(rows[0], 2).tolist() == rows[0].tolist()


@pytest.mark.parametrize("components", [7, -1])
def test_impossible_numbers_of_components_are_refused(components):
    with pytest.raises(InputError, match=f"expected 1 to 6 PCA components .* found {components}"):
        fold_pca_distances(np.eye(6).repeat(2, axis=0), 2, components)
