"""Lists of images to batches of pixels: decoded on threads ahead of the consumer, into buffers that are used again."""

import contextlib
import itertools
from typing import NamedTuple, Optional

import numpy as np

from insightrec.recordio_tools.crop_size import decode_to_size
from insightrec.recordio_tools.errors import InputError, RecordError
from insightrec.recordio_tools.ordered_pool import ordered_map
from insightrec.train.augmentation import ImageDraws

_MAX_CLASSES = 1 << 31  # where the set has no property file to tell


class ImageList(NamedTuple):
    """What to load: positions in the record set, int64 (B,), and their `ImageDraws`, or None for images as they are."""

    positions: np.ndarray
    draws: Optional[ImageDraws] = None


class LoadedImages(NamedTuple):
    """An `ImageList` and its images.

    images: uint8 RGB (B, H, W, 3). labels: int64 (B,). errors: the `InputError` of each damaged image by its place
    in the list; what the arrays hold there means nothing.
    """

    positions: np.ndarray
    draws: Optional[ImageDraws]
    images: np.ndarray
    labels: np.ndarray
    errors: dict


class FaceLoader:
    """Reads, decodes and augments images of a record set; safe in threads.

    Args:
        faces: the `FaceRecordSet`.
        image_size: (H, W) in pixels; an image of the same proportions is scaled to it, another is a damaged one.
        augmentation: the `Augmentation` of lists with draws.
        threads: how many decode at the same time.
    """

    def __init__(self, faces, image_size, augmentation, threads):
        self._faces = faces
        self._image_size = image_size
        self._augmentation = augmentation
        self._threads = threads

    def load(self, lists):
        """Yield the `LoadedImages` of each `ImageList` of an iterable, which may be endless.

        The pixels lie in a buffer that is used again once the next list is asked for: copy what is to stay.
        Meanwhile the next list, at least, is decoded. Closing the generator stops the threads.
        """
        lists = iter(lists)
        first = next(lists, None)
        if first is None:
            return
        free = []  # buffers; ordered_map takes from `places` in the consumer's thread, so nothing races for them

        def places():
            for positions, draws in itertools.chain([first], lists):
                size = len(positions)
                if free and len(free[-1]) >= size:
                    images = free.pop()[:size]
                else:
                    images = np.empty((size, *self._image_size, 3), np.uint8)
                loaded = LoadedImages(positions, draws, images, np.zeros(size, np.int64), {})
                yield from zip([loaded] * size, range(size), positions.tolist())

        results = ordered_map(self._try_place, places(), self._threads, least_ahead=len(first.positions))
        with contextlib.closing(results):
            for loaded, place in results:
                if place == len(loaded.images) - 1:
                    yield loaded
                    free.append(loaded.images)

    def load_place(self, loaded, place, position):
        """Put an image of the record set at a place of `LoadedImages`.

        Raises:
            ImageError, RecordError: it is damaged.
        """
        encoded, loaded.labels[place], source = self._faces.encoded(position)
        image = decode_to_size(encoded, self._image_size, source)
        if loaded.draws is None:
            loaded.images[place] = image
        else:
            self._augmentation.apply(image, loaded.draws, place, loaded.images[place])

    def check_labels(self, labels, positions):
        """Make sure that labels, of images at these positions, are classes of the set.

        Raises:
            RecordError: one lies outside 0 to the set's ``num_classes - 1``.
        """
        classes = self._faces.num_classes or _MAX_CLASSES
        wrong = np.flatnonzero((labels < 0) | (labels >= classes))
        if len(wrong):
            source, label = self._faces.describe(int(positions[wrong[0]])), labels[wrong[0]]
            raise RecordError(
                f"{source}: expected a label of 0 to num_classes - 1 = {classes - 1}, found {label}; "
                "correct num_classes in property, or number the labels from 0"
            )

    def _try_place(self, item):
        loaded, place, position = item
        try:
            self.load_place(loaded, place, position)
        except InputError as error:  # kept until its own batch is asked for
            loaded.errors[place] = error
        return loaded, place
