"""All figures of one model on one verification pack."""

from dataclasses import dataclass, field
from typing import Optional

import numpy as np

from insightrec.eval.fold_pca import fold_pca_distances, out_of_fold
from insightrec.eval.kfold_accuracy import KFoldAccuracy, kfold_accuracy
from insightrec.eval.pair_distance import pair_distances
from insightrec.eval.roc_curve import EqualErrorRate, equal_error_rate, roc_curve
from insightrec.eval.tar_at_far import TarAtFar, tar_at_far
from insightrec.eval.validation_rate import ValidationRate, validation_rate


@dataclass(frozen=True)
class PairFigures:
    """Figures of one list of distances.

    ``tar_at_far`` is empty and ``equal_error`` None where the pack lacks pairs of one kind.
    distance: float64 (P,), one per pair (with PCA, under the projection fitted without the pair's fold).
    """

    accuracy: KFoldAccuracy
    validation: ValidationRate
    tar_at_far: tuple[TarAtFar, ...]
    equal_error: Optional[EqualErrorRate]
    distance: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class VerificationResult:
    """``flip``: from the sum of the embeddings of an image and of its mirror image; ``no_flip``: the image alone."""

    pairs: int
    same: int
    distinct_images: int
    embedding_size: int
    nfolds: int
    pca: int
    xnorm: float
    flip: PairFigures
    no_flip: PairFigures


def verify(embeddings, nfolds=10, pca=0):
    """Run the verification protocol on `PackEmbeddings`; ``pca`` > 0 projects to so many components per fold.

    Raises:
        InputError: more folds than pairs, or more components than the embeddings allow.
    """
    figures = {}
    for name, flip in (("flip", True), ("no_flip", False)):
        unit = embeddings.unit(flip)
        distance = fold_pca_distances(unit, nfolds, pca) if pca else pair_distances(unit)
        figures[name] = pair_figures(distance, embeddings.is_same, nfolds)
    return VerificationResult(
        pairs=len(embeddings.is_same),
        same=int(np.count_nonzero(embeddings.is_same)),
        distinct_images=len(embeddings.original),
        embedding_size=embeddings.original.shape[1],
        nfolds=nfolds,
        pca=pca,
        xnorm=embeddings.xnorm(),
        **figures,
    )


def pair_figures(distance, is_same, nfolds=10):
    """Figures of distances (P,), or (nfolds, P) with one row per fold's own projection; ``is_same`` bool (P,)."""
    per_pair = out_of_fold(distance, nfolds)
    both_kinds = 0 < np.count_nonzero(is_same) < len(is_same)
    return PairFigures(
        accuracy=kfold_accuracy(distance, is_same, nfolds),
        validation=validation_rate(distance, is_same, nfolds),
        tar_at_far=tuple(tar_at_far(per_pair, is_same)) if both_kinds else (),
        equal_error=equal_error_rate(roc_curve(per_pair, is_same)) if both_kinds else None,
        distance=per_pair,
    )
