"""Pair distances after a PCA fitted, per fold, to the other folds' embeddings."""

import numpy as np
from sklearn.decomposition import PCA

from insightrec.eval.pair_distance import normalized, pair_distances
from insightrec.eval.pair_folds import pair_folds
from insightrec.recordio_tools.errors import InputError


def fold_pca_distances(unit, nfolds, components):
    """Distances of all pairs under each fold's projection; returns float64 (nfolds, P).

    Per fold: PCA (not whitened) of both members of the pairs outside it, projection of all pairs, L2
    normalisation, squared L2 distance. A single fold is fitted to all pairs.

    Args:
        unit: float64 (2P, D), rows 2i and 2i + 1 are pair i.

    Raises:
        InputError: more components than D or than training embeddings, or more folds than pairs.
    """
    folds = pair_folds(len(unit) // 2, nfolds)
    distance = np.empty((nfolds, len(unit) // 2))
    for fold, test in enumerate(folds):
        train = unit if nfolds == 1 else np.delete(unit, np.s_[2 * test.start : 2 * test.stop], axis=0)
        if not 1 <= components <= min(train.shape):
            raise InputError(
                f"expected 1 to {min(train.shape)} PCA components ({train.shape[0]} embeddings of "
                f"{train.shape[1]} numbers to fit), found {components}; change --pca"
            )
        pca = PCA(components, svd_solver="full").fit(train)
        distance[fold] = pair_distances(normalized(pca.transform(unit)))
    return distance


def out_of_fold(distance, nfolds):
    """(nfolds, P) or (P,) distances to one per pair: that of the fold which holds the pair; returns (P,)."""
    folds = pair_folds(np.shape(distance)[-1], nfolds)
    rows = np.broadcast_to(distance, (nfolds, np.shape(distance)[-1]))
    return np.concatenate([row[test] for row, test in zip(rows, folds)])
