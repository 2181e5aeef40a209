"""The endless shuffled stream of a record set's images: which images a step trains on."""

import numpy as np

_PERMUTATION = int.from_bytes(b"image order", "big")  # sets these draws apart from others of the same seed


class ImageOrder:
    """One seeded permutation of the images for each epoch, one after another without an end.

    A position in the stream counts the images that all workers have taken together. Nothing is left out at the end
    of an epoch: a batch may hold the last images of one and the first of the next, or several whole epochs of a
    small set. What a batch holds depends on the seed and the position only, so a run goes on from any position.

    Args:
        images: number of images, or the images to visit, int64 (N,), as `large_identities.images_of` gives them.
        batch_size: images a worker takes in a step.
        seed: whole number of 0 or more.
        worker, num_workers: this worker, 0 to ``num_workers - 1``, takes its slice of the next
            ``num_workers * batch_size`` images of the stream.
    """

    def __init__(self, images, batch_size, seed, worker=0, num_workers=1):
        self.num_images = len(images) if np.ndim(images) else int(images)
        self.batch_size = batch_size
        self.worker = worker
        self.num_workers = num_workers
        self._images = images
        self._seed = seed
        self._newest = None, None  # (epoch, permutation) last made: 8 bytes an image

    def batch(self, position):
        """The worker's images at ``position`` of the stream: their positions in the record set, int64 (batch_size,)."""
        first = position + self.worker * self.batch_size
        end = first + self.batch_size
        pieces = []
        while first < end:
            epoch, begin = divmod(first, self.num_images)
            pieces.append(self._permuted(epoch)[begin : begin + end - first])
            first += len(pieces[-1])
        return np.concatenate(pieces)

    def epoch(self, position):
        """How many whole epochs lie before ``position`` of the stream."""
        return position // self.num_images

    def _permuted(self, epoch):
        newest, permutation = self._newest
        if epoch != newest:
            permutation = np.random.default_rng([self._seed, _PERMUTATION, epoch]).permutation(self._images)
            self._newest = epoch, permutation
        return permutation
