"""Bags of images to mine triplets from: some images each of many identities, identity by identity."""

import numpy as np

from insightrec.recordio_tools.errors import InputError

_TAG = int.from_bytes(b"identity bags", "big")  # sets these draws apart from others of the same seed


class IdentityBags:
    """An endless row of bags, each a pure function of the seed and its number.

    A pass goes through all identities in random order and takes up to ``images_per_identity`` random images
    of each; it is cut into bags, and what is left at its end is dropped (upstream's pass list). An identity
    may begin in one bag and end in the next.

    Args:
        ranges: int64 (identities, 2), image positions [first, end) of each identity.
        bag_size: images in a bag; fewer where a pass has fewer.
        images_per_identity: the most an identity contributes, 2 or more.
        seed: of all draws, 0 or more.

    Attributes:
        bag_size: images in every bag.

    Raises:
        InputError: no identity has two images.
    """

    def __init__(self, ranges, bag_size=3600, images_per_identity=5, seed=0):
        self._ranges = np.asarray(ranges, np.int64)
        self._counts = np.minimum(self._ranges[:, 1] - self._ranges[:, 0], images_per_identity)
        if not (self._counts >= 2).any():
            raise InputError(
                f"expected identities with 2 or more images, found none in {len(self._ranges)}: there are no pairs to "
                "make triplets of; build the set from a folder for each person"
            )
        pass_size = int(self._counts.sum())
        self.bag_size = min(bag_size, pass_size)
        self._bags_per_pass = pass_size // self.bag_size
        self._seed = seed
        self._pass = (None, None, None)  # number, identities in order, and where each one's images end

    def bag(self, number):
        """``(positions, labels)``, int64 (bag_size,) each: images, and the rows of ``ranges`` they belong to."""
        of_pass, place = divmod(number, self._bags_per_pass)
        identities, ends = self._pass_list(of_pass)
        begin, end = place * self.bag_size, (place + 1) * self.bag_size
        first, last = np.searchsorted(ends, [begin, end - 1], side="right")
        here = identities[first : last + 1]
        images = np.concatenate([self._images(of_pass, identity) for identity in here.tolist()])
        labels = np.repeat(here, self._counts[here])
        skip = begin - (ends[first] - self._counts[here[0]])
        return images[skip : skip + self.bag_size], labels[skip : skip + self.bag_size]

    def _pass_list(self, of_pass):
        if self._pass[0] != of_pass:
            identities = np.random.default_rng([self._seed, _TAG, of_pass]).permutation(len(self._counts))
            self._pass = of_pass, identities, np.cumsum(self._counts[identities])
        return self._pass[1:]

    def _images(self, of_pass, identity):
        """The images of an identity in a pass; the same ones for both bags that share it."""
        rng = np.random.default_rng([self._seed, _TAG, of_pass, identity])
        first, end = self._ranges[identity].tolist()
        return first + rng.choice(end - first, self._counts[identity], replace=False)
