"""Embeddings to pair distances: L2-normalise, then the squared L2 distance of the two members of each pair."""

import numpy as np

from insightrec.recordio_tools.errors import InputError, ModelError


def normalized(embedding):
    """Divide each row of ``embedding`` (N, D) by its L2 norm; returns float64 (N, D).

    A zero row stays zero, as in ``sklearn.preprocessing.normalize``: its squared distance to a unit vector is 1.
    """
    embedding = np.asarray(embedding, np.float64)
    norm = np.linalg.norm(embedding, axis=1, keepdims=True)
    norm[norm == 0] = 1
    return embedding / norm


def pair_distances(unit):
    """Squared L2 distance of rows 2i and 2i + 1 of ``unit`` (2P, D), unit vectors; returns float64 (P,), 0..4."""
    difference = unit[0::2] - unit[1::2]
    return np.einsum("ij,ij->i", difference, difference)


def check_finite(embedding, source):
    """Raise `ModelError` if ``embedding`` (N, D) of the images of ``source`` has a NaN or an infinity."""
    finite = np.isfinite(embedding).all(axis=1)
    if not finite.all():
        raise ModelError(
            f"{source}: the embeddings of {np.count_nonzero(~finite)} of {len(finite)} images, the first at "
            f"{np.argmin(finite)}, are not finite numbers; check the model's parameters and its input scaling"
        )


def check_pairs(distance, is_same):
    """Check distances (..., P) against same-person flags (P,); returns them as float64 and bool arrays.

    Raises:
        InputError: the lengths differ, there are no pairs, or a distance is not finite.
    """
    distance, is_same = np.asarray(distance, np.float64), np.asarray(is_same, bool)
    if distance.shape[-1] != len(is_same) or len(is_same) == 0:
        raise InputError(f"expected as many distances as pairs, found {distance.shape[-1]} and {len(is_same)}")
    if not np.isfinite(distance).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(distance))} of {distance.size} pair distances are not finite")
    return distance, is_same
