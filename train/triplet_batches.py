"""Batches of mined triplets: a queue that is filled bag by bag, with the network as it then is."""

import contextlib

import numpy as np
from tqdm import tqdm

from insightrec.recordio_tools.errors import InputError
from insightrec.train.augmentation import draw_images
from insightrec.train.face_loader import ImageList
from insightrec.train.triplet_miner import mine_triplets

EMPTY_BAGS = 10  # so many bags without one triplet, and there is nothing left to learn from
EMBEDDED_AT_ONCE = 256  # images of a bag
_ORDER = int.from_bytes(b"triplet order", "big")  # sets these draws apart from others of the same seed


class TripletBatches:
    """Endless batches of triplets, as the training loop takes them; what is left of one bag is used with the next.

    What has been mined and not yet given is part of the state, so that a resumed run goes on with the same
    triplets although the network has moved on since they were mined.

    Args:
        loader: a `FaceLoader`.
        bags: an `IdentityBags`.
        embedder: a `NetworkEmbedder`.
        batch_size: images of a device, a third of them triplets.
        devices: how many devices.
        mining: dict of ``alpha``, ``rule`` and ``max_ap`` of `mine_triplets`.
        seed: of the choice, the order and the augmentation.
        on_error: ``"raise"``, or ``"skip"`` to leave damaged images out of the bags.

    Attributes:
        report: if set, called with the number of each bag and its `MiningStatistics`.
        errors: dict, the error of each damaged image's position in the set.
    """

    def __init__(
        self,
        loader,
        bags,
        embedder,
        batch_size,
        devices,
        mining,
        *,
        seed=0,
        on_error="raise",
    ):
        self._loader, self._bags, self._embedder, self._mining = loader, bags, embedder, mining
        self._shape = (devices, batch_size // 3, 3)
        self._seed, self._on_error = seed, on_error
        self._bag = self._given = 0
        self._queue = np.empty((0, 3), np.int64)
        self.report = None
        self.errors = {}

    def __iter__(self):
        """Yield `LoadedImages`: device by device its anchors, its positives, its negatives.

        Raises:
            InputError: ten bags one after another hold no triplet, an image is damaged, or its label is no class of
                the set.
        """
        triplets = self._shape[0] * self._shape[1]
        while True:
            self._fill(triplets)
            batches = self._queue[: len(self._queue) // triplets * triplets].reshape(-1, *self._shape)
            lists = [self._image_list(self._given + number, batch) for number, batch in enumerate(batches)]
            with contextlib.closing(self._loader.load(lists)) as loaded:
                for images in loaded:
                    for error in images.errors.values():
                        raise error
                    self._loader.check_labels(images.labels, images.positions)
                    self._queue = self._queue[triplets:]
                    self._given += 1
                    yield images

    @property
    def epoch(self):
        """How many bags have been mined and used up."""
        return self._bag - (len(self._queue) >= self._shape[0] * self._shape[1])

    def state(self):
        """What `restore` needs: a dict of JSON types, and a dict of arrays."""
        return {"bag": self._bag, "given": self._given}, {"triplets": self._queue}

    def restore(self, state, arrays):
        """Go on where `state` was taken; before iterating."""
        self._bag, self._given = state["bag"], state["given"]
        self._queue = np.asarray(arrays["triplets"], np.int64).reshape(-1, 3)

    def _image_list(self, number, triplets):
        positions = triplets.transpose(0, 2, 1).ravel()
        return ImageList(positions, draw_images(self._seed, number * len(positions), len(positions)))

    def _fill(self, triplets):
        empty = 0
        while len(self._queue) < triplets:
            mined = self._mine(self._bag)
            self._bag += 1
            self._queue = np.concatenate([self._queue, mined])
            empty = 0 if len(mined) else empty + 1
            if empty == EMPTY_BAGS:
                raise InputError(
                    f"no triplet in {EMPTY_BAGS} bags of images: no image of another identity is within alpha, nothing "
                    "is left to learn; raise --triplet-alpha, or stop here"
                )

    def _mine(self, number):
        """Triplets of positions in the record set, int64 (T, 3), in random order."""
        positions, labels = self._bags.bag(number)
        embeddings, good = self._embed(positions)
        if not good.any():
            return np.empty((0, 3), np.int64)
        positions, labels = positions[good], labels[good]
        mined = mine_triplets(embeddings, labels, seed=self._seed, number=number, **self._mining)
        if self.report:
            self.report(self._bag, mined.statistics)
        triplets = positions[np.stack([mined.anchor, mined.positive, mined.negative], axis=1)]
        return np.random.default_rng([self._seed, _ORDER, number]).permutation(triplets)

    def _embed(self, positions):
        """Embeddings of a bag's good images, a list of arrays on the devices, and which are good, bool (bag,)."""
        embeddings, good = [], np.ones(len(positions), bool)
        starts = range(0, len(positions), EMBEDDED_AT_ONCE)
        blocks = [positions[start : start + EMBEDDED_AT_ONCE] for start in starts]
        progress = tqdm(total=len(positions), desc="bag", unit="image", leave=False, disable=None)
        with progress, contextlib.closing(self._loader.load(ImageList(block, None) for block in blocks)) as loaded:
            for start, images in zip(starts, loaded):
                for place, error in images.errors.items():
                    if self._on_error == "raise":
                        raise error
                    good[start + place] = False
                    self.errors[int(positions[start + place])] = error
                usable = good[start : start + len(images.images)]
                embeddings += self._embedder.embed_on_devices(images.images[usable])
                progress.update(len(images.images))
        return embeddings, good
