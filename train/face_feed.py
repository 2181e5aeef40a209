"""From a record set to training batches: shuffled, decoded ahead, augmented, and the same again after a resume."""

import contextlib
import itertools
from typing import NamedTuple

import numpy as np

from insightrec.recordio_tools.errors import InputError, RecordError
from insightrec.train.augmentation import draw_images
from insightrec.train.face_loader import FaceLoader, ImageList


class FaceBatch(NamedTuple):
    """One worker's batch.

    images: uint8 RGB (B, H, W, 3). labels: int64 (B,), 0 to the set's ``num_classes - 1``. positions: int64 (B,),
    the images' positions in the record set. next_position: where in the stream the next batch begins.
    """

    images: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    next_position: int


class FaceFeed:
    """An endless iterator of `FaceBatch`; a context manager, or `close` it.

    The pixels of a batch stay as they are until the next one is asked for; then their buffer is used again.
    A batch, its augmentation included, depends on the seeds and its position in the stream only: not on
    ``threads``, nor on the batches before it.

    Args:
        faces: the `FaceRecordSet`.
        order: an `ImageOrder` or `IdentityOrder`: ``batch(position)`` gives image positions, int64
            (order.batch_size,); the next batch is ``order.num_workers * order.batch_size`` further on.
        augmentation: an `Augmentation`.
        image_size: (H, W) in pixels; images of the same proportions are scaled to it.
        threads: how many decode at the same time.
        seed: of the augmentation.
        on_error: "raise" at a damaged image, when its batch is asked for; or "skip": the first good images that
            follow the batch in the worker's stream take the damaged ones' places. They come again in their turn,
            so that every batch stays full and where it was, and several workers stay in step.
        first_position: of the stream, to resume at; a batch's ``next_position``.

    Attributes:
        errors: the error of every damaged image that was skipped, by its position in the record set.

    Raises:
        ImageError, RecordError: when iterating: a damaged image.
        RecordError: when iterating: a label outside 0 to the set's ``num_classes - 1``, whatever ``on_error``.
    """

    def __init__(self, faces, order, augmentation, image_size, threads, seed, on_error="raise", first_position=0):
        self.errors = {}
        self._faces = faces
        self._order = order
        self._seed = seed
        self._skip_errors = on_error == "skip"
        self._step = order.num_workers * order.batch_size
        self._loader = FaceLoader(faces, image_size, augmentation, threads)
        self._batches = self._stream(first_position)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._batches)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stop the threads; nothing comes after."""
        self._batches.close()

    def _stream(self, position):
        lists = map(self._list_at, itertools.count(position, self._step))
        with contextlib.closing(self._loader.load(lists)) as loading:
            for loaded in loading:
                positions = loaded.positions
                if loaded.errors:
                    self._note_errors(loaded)
                    positions = self._replace_damaged(loaded, position)
                position += self._step
                self._loader.check_labels(loaded.labels, positions)
                yield FaceBatch(loaded.images, loaded.labels, positions, position)

    def _list_at(self, position):
        size = self._order.batch_size
        draws = draw_images(self._seed, position + self._order.worker * size, size)
        return ImageList(self._order.batch(position), draws)

    def _note_errors(self, loaded):
        for place, error in sorted(loaded.errors.items()):
            if not self._skip_errors:
                raise error
            self.errors[int(loaded.positions[place])] = error

    def _replace_damaged(self, loaded, position):
        """Load the first good images after the batch at ``position`` instead; returns the positions of the whole."""
        positions = loaded.positions.copy()
        batches = map(self._order.batch, itertools.count(position + self._step, self._step))
        following = itertools.chain.from_iterable(batch.tolist() for batch in batches)
        for place in sorted(loaded.errors):
            for candidate in itertools.islice(following, len(self._faces)):
                try:
                    self._loader.load_place(loaded, place, candidate)
                except InputError as error:
                    self.errors[candidate] = error
                else:
                    positions[place] = candidate
                    break
            else:
                raise RecordError(
                    f"{self._faces.path}: expected a good image to train on, found {len(self.errors)} damaged ones "
                    "and no other; build the set again"
                )
        return positions
