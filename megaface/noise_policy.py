"""What is done about noisy images before identification: InsightFace's extra dimension, or zeros.

Both rules are for the devkit's score, the negative squared L2 distance of features as they are. They break if
features are normalised afterwards, or scored by cosine.
"""

import hashlib
import posixpath
from typing import Callable, NamedTuple

import numpy as np

from insightrec.recordio_tools.errors import FeatureError

FAR_AWAY = 100.0  # of a noisy distractor in the extra dimension: at a squared distance of 10,000 and more from all
JITTER = 0.001  # what a replaced probe's first D numbers are moved by at most, before it is normalised


class ChangedFeatures(NamedTuple):
    """Features as a policy leaves them: ``read`` (start, stop) gives float32 (stop - start, ``dimension``)."""

    dimension: int
    read: Callable


def push_away(source, noisy):
    """Distractors by InsightFace's rule: the noisy ones at `FAR_AWAY` in dimension D + 1, where all others have 0.

    Args:
        source: their features, `FeatureFiles` or `PackedFeatures`.
        noisy: bool (N,), which of them are noisy.
    """

    def read(start, stop):
        rows = _widen(source.read(start, stop))
        rows[noisy[start:stop], -1] = FAR_AWAY
        return rows

    return ChangedFeatures(source.dimension + 1, read)


def replace_by_centers(source, noisy, seed):
    """Probes by InsightFace's rule: the noisy ones are their `person_centers`, and dimension D + 1 is 0 for all.

    Arguments and errors as `person_centers`.
    """
    centers = person_centers(source, noisy, seed)

    def read(start, stop):
        rows = _widen(source.read(start, stop))
        for index in np.flatnonzero(noisy[start:stop]):
            rows[index] = centers[start + index]
        return rows

    return ChangedFeatures(source.dimension + 1, read)


def zero(source, noisy):
    """Probes or distractors with zeros for the noisy ones; arguments as `push_away`."""

    def read(start, stop):
        return np.where(noisy[start:stop, None], np.float32(0), source.read(start, stop))

    return ChangedFeatures(source.dimension, read)


def person_centers(source, noisy, seed):
    """What noisy probes become by InsightFace's rule: almost the center of their person.

    The center is the sum of the person's other features, those in the same folder of the list; uniform noise of
    `JITTER` is added, and the sum is L2-normalised. The noise of a probe depends on ``seed`` and its path alone, and
    sums are taken in the order of the paths: the order of the list makes no difference.

    Args:
        source: the probes' features, `FeatureFiles` or `PackedFeatures`.
        noisy: bool (N,), which of them are noisy.
        seed: whole number, 0 or more.

    Returns:
        dict of index: float32 (D + 1,), the last number 0.

    Raises:
        FeatureError: all images of a person are noisy.
    """
    clean = {posixpath.dirname(source.paths[index]): [] for index in np.flatnonzero(noisy)}
    for index in np.flatnonzero(~noisy):
        folder = posixpath.dirname(source.paths[index])
        if folder in clean:
            clean[folder].append(index)
    sums = {}
    for folder, indices in clean.items():
        if not indices:
            raise FeatureError(
                f"{folder}: expected an image that is not noisy to replace the others, found none in the list; "
                "give --policy drop"
            )
        indices.sort(key=lambda index: source.paths[index])
        sums[folder] = source.take(indices).astype(np.float64).sum(axis=0)
    return {
        index: _jittered(sums[posixpath.dirname(source.paths[index])], seed, source.paths[index])
        for index in np.flatnonzero(noisy)
    }


def _jittered(center, seed, path):
    words = np.frombuffer(hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest(), "<u4")
    moved = center + np.random.default_rng([seed, *words.tolist()]).uniform(-JITTER, JITTER, len(center))
    return np.append(moved / np.linalg.norm(moved), 0.0).astype(np.float32)


def _widen(rows):
    return np.pad(rows, ((0, 0), (0, 1)))
