"""How well embeddings separate their classes by angle."""

from typing import NamedTuple

import numpy as np


class ClassAngles(NamedTuple):
    """Degrees. within: mean angle of an embedding to its class's centre. between: smallest angle of two centres."""

    within: float
    between: float

    @property
    def ratio(self):
        """``between / within``: the larger, the better are the classes separated; infinite where none spreads."""
        return self.between / self.within if self.within else float("inf")


def class_angles(embeddings, labels):
    """`ClassAngles` of embeddings, (N, D) of any length; a class's centre is the mean direction of its embeddings.

    Args:
        embeddings: float (N, D); a zero row has no direction and counts as 90 degrees away.
        labels: int (N,), of two classes or more.

    Raises:
        ValueError: there are fewer classes.
    """
    directions = _unit(np.asarray(embeddings, np.float64))
    classes, members = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"expected embeddings of two classes or more, found {len(classes)}")
    centers = _unit(np.stack([directions[members == number].mean(axis=0) for number in range(len(classes))]))
    within = _degrees((directions * centers[members]).sum(axis=1)).mean()
    first, second = np.triu_indices(len(classes), k=1)
    return ClassAngles(float(within), float(_degrees((centers[first] * centers[second]).sum(axis=1)).min()))


def _unit(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def _degrees(cosine):
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
