"""The endless shuffled stream of identities, some images each: what losses on the pairs of a batch train on."""

import numpy as np

from insightrec.recordio_tools.errors import InputError

_TAG = int.from_bytes(b"identity order", "big")  # sets these draws apart from others of the same seed


class IdentityOrder:
    """Batches of P identities with K images each: one seeded permutation of the identities for each epoch.

    At every visit an identity gives K random images of its own; one that has fewer repeats them, each as often
    as the others or once more. As in `ImageOrder` a position in the stream counts the images that all workers have
    taken, nothing is left out at the end of an epoch, and a batch depends on the seed and the position only. Where
    there are fewer than P identities, one comes twice in a batch.

    Args:
        ranges: int64 (identities, 2), positions [first, end) of each identity's images. Those without are left out.
        batch_size: P K, images a worker takes in a step.
        images_per_identity: K, 2 or more.
        seed: whole number of 0 or more.
        worker, num_workers: as of `ImageOrder`.
        images: int64 (N,), what the ranges are positions in (None: the record set itself); `group_by_label` gives
            both for a set that does not list its identities.

    Raises:
        InputError: K does not divide the batch, or there are no images.
    """

    def __init__(self, ranges, batch_size, images_per_identity, seed, worker=0, num_workers=1, images=None):
        ranges = np.asarray(ranges, np.int64).reshape(-1, 2)
        self._ranges = ranges[ranges[:, 1] > ranges[:, 0]]
        if not len(self._ranges):
            raise InputError("expected identities with images, found none")
        if batch_size % images_per_identity:
            raise InputError(
                f"expected a batch that --images-per-identity {images_per_identity} divides, found {batch_size} "
                f"images; give --per-batch-size {max(batch_size // images_per_identity, 1) * images_per_identity}"
            )
        self.batch_size = batch_size
        self.images_per_identity = images_per_identity
        self.worker = worker
        self.num_workers = num_workers
        self._images = images
        self._seed = seed
        self._epoch, self._permutation = None, None  # the newest one made

    def batch(self, position):
        """Positions of the images of the batch at ``position``, int64 (batch_size,), identity by identity."""
        first = (position + self.worker * self.batch_size) // self.images_per_identity
        visits = range(first, first + self.batch_size // self.images_per_identity)
        positions = np.concatenate([self._visit(visit) for visit in visits])
        return positions if self._images is None else self._images[positions]

    def epoch(self, position):
        """How many whole epochs, visits of every identity, lie before ``position``."""
        return position // (len(self._ranges) * self.images_per_identity)

    def _visit(self, visit):
        """Positions of K images of the identity that comes ``visit``-th in the stream."""
        epoch, place = divmod(visit, len(self._ranges))
        if epoch != self._epoch:
            rng = np.random.default_rng([self._seed, _TAG, epoch])
            self._epoch, self._permutation = epoch, rng.permutation(len(self._ranges))
        first, end = self._ranges[self._permutation[place]].tolist()
        rng = np.random.default_rng([self._seed, _TAG, epoch, place])
        chosen = rng.choice(end - first, min(self.images_per_identity, end - first), replace=False)
        return first + np.resize(chosen, self.images_per_identity)  # repeats from the start where it is short


def group_by_label(labels):
    """``(images, ranges)`` for `IdentityOrder`: positions by ascending label, int64 (N,), and the range of each."""
    labels = np.asarray(labels)
    images = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[images], prepend=labels[images[:1]] - 1))
    return images, np.stack([starts, np.append(starts[1:], len(labels))], axis=1)
