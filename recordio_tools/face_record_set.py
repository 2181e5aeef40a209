"""A record set as a data set: faces, labels and identities of an InsightFace ``train.rec``.

Two layouts exist. In an *indexed* set key 0 holds no image but ``[start, end]``: keys 1..start-1 are
images, keys start..end-1 are identities, each holding the half-open range ``[a, b)`` of its image
keys. In a *flat* set (im2rec and others) every key is an image and nothing lists identities.
"""

import math
import warnings
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.identity_ranges import EXACT_FLOAT32, check_ranges, exact_boundaries, float32_sources
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.property_file import read_property
from insightrec.recordio_tools.record_file import IndexedRecordFile
from insightrec.recordio_tools.record_label import unpack_label

_LABEL_LIMIT = 1 << 31


class RecordSetWarning(UserWarning):
    """Something in a record set is unusual, and what was done about it."""


class FaceRecordSet:
    """The faces of a record set in key order; a data set for PyTorch's and Gluon's loaders as it is.

    Images are addressed by position, 0 to ``len(self) - 1``. Safe in threads, after fork, and when
    pickled to a worker (which opens the files anew).

    Args:
        path: folder holding ``train.rec`` and ``train.idx``, or one ``.rec`` file.

    Attributes:
        records: the `IndexedRecordFile` beneath.
        is_indexed: whether the set lists its identities.
        num_classes, image_size: from the ``property`` file, ``(height, width)``; None without one.

    Raises:
        RecordError: a file is missing or damaged, or the index lacks records that the set promises.
    """

    def __init__(self, path):
        self.path = record_path(path)
        self.records = IndexedRecordFile(self.path)
        self.num_classes, self.image_size = self._read_property()
        header = self._read_header()
        self.is_indexed = header is not None
        if self.is_indexed:
            start, end = header
            self._keys = self._present_keys("images", range(1, start))
            self._identity_keys = self._present_keys("identities", range(start, end))
        else:
            self._keys = self.records.index.keys
        self._ranges = None

    def __len__(self):
        return len(self._keys)

    def __getitem__(self, position):
        """``(image, label)`` at ``position``: uint8 RGB (H, W, 3), and the class as an int."""
        encoded, label, source = self.encoded(position)
        return decode_rgb(encoded, source), label

    def __reduce__(self):
        return type(self), (self.path,)

    def key(self, position):
        """The record key of an image."""
        return int(self._keys[position])

    def describe(self, position):
        """How an error names an image."""
        return f"{self.path}: record {self.key(position)}"

    def record(self, position):
        """``(label, image)``: the label as stored, and the encoded image without a copy."""
        return self._unpack(self.key(position))

    def encoded(self, position):
        """``(image, label, source)``: the encoded image without a copy, its class, how an error names it."""
        source = self.describe(position)
        label, image = unpack_label(self.records.read(self.key(position)), source)
        return image, class_of(label, source), source

    def label(self, position):
        """Class of an image: the scalar label, or the first value of a vector label."""
        return class_of(self.record(position)[0], self.describe(position))

    def labels(self):
        """Classes of all images, int64 (N,); reads the header of every record."""
        return np.fromiter(map(self.label, range(len(self))), np.int64, len(self))

    @property
    def num_identities(self):
        """How many identity records the set holds.

        Raises:
            RecordError: the set is flat.
        """
        return len(self.identity_ranges)

    def identity_images(self, identity):
        """Positions of the images of an identity (0 to ``num_identities - 1``), as a range."""
        first, end = self.identity_ranges[identity].tolist()
        return range(first, end)

    @property
    def identity_ranges(self):
        """Positions ``[first, end)`` of every identity's images, int64 (identities, 2).

        Boundaries above 2^24, which float32 rounds, are taken from the image labels, with a
        `RecordSetWarning`.

        Raises:
            RecordError: the set is flat, or a range lies outside the images.
        """
        if self._ranges is None:
            if not self.is_indexed:
                raise RecordError(
                    f"{self.path}: expected an identity-indexed set, found a flat one (record 0 is not a header); "
                    "run: rec2image.py on it, then face2rec.py --root on the folders"
                )
            self._ranges = self._read_ranges() - 1  # image keys begin at 1, positions at 0
        return self._ranges

    def _read_property(self):
        file = self.path.with_name("property")
        if not file.is_file():
            return None, None
        found = read_property(file)
        return found.num_classes, (found.height, found.width)

    def _read_header(self):
        """``(start, end)`` of an indexed set, or None for a flat one."""
        if 0 not in self.records.index:
            return None
        label, image = self._unpack(0)
        # A flat set's image 0 may carry a vector label too; only a header carries no image.
        if np.size(label) != 2 or len(image):
            return None
        start, end = (class_of(label[place:], f"{self.path}: record 0") for place in (0, 1))
        newest = int(self.records.index.keys.max()) + 1
        if start >= EXACT_FLOAT32:
            start = next((key for key in float32_sources(start) if self._begins_identities(key)), start)
        if end >= EXACT_FLOAT32 and newest in float32_sources(end):
            end = newest
        return start, end

    def _present_keys(self, what, keys):
        stored = self.records.index.keys
        present = np.count_nonzero((stored >= keys.start) & (stored < keys.stop))
        if present != len(keys) or not len(keys):
            raise RecordError(
                f"{self.path}: record 0 promises {what} at keys {keys.start} to {keys.stop - 1}, "
                f"the .idx holds {present} of them; the set is incomplete, copy or build it again"
            )
        return keys

    def _read_ranges(self):
        ranges = np.empty((len(self._identity_keys), 2))
        for identity, key in enumerate(self._identity_keys):
            label, _ = self._unpack(key)
            if np.size(label) != 2:
                raise RecordError(f"{self.path}: record {key}: expected an image range [a, b), found label {label}")
            ranges[identity] = label
        ranges = np.where(np.abs(ranges) < 1 << 62, ranges, -1).astype(np.int64)  # -1, also of NaN, is refused below
        highest = int(np.float32(len(self) + 1))  # rounding keeps order: no true boundary is stored above this
        if EXACT_FLOAT32 <= ranges.max() <= highest and np.array_equal(ranges[1:, 0], ranges[:-1, 1]):
            boundaries = exact_boundaries(np.append(ranges[:, 0], ranges[-1, 1]), self._begins_label, self.path)
            ranges = np.stack([boundaries[:-1], boundaries[1:]], axis=1)
            warnings.warn(
                f"{self.path}: identity ranges above 2^24, which float32 rounds, were taken from the image labels",
                RecordSetWarning,
                stacklevel=4,
            )
        check_ranges(ranges, len(self), self.path)
        return ranges

    def _begins_label(self, key):
        if key in (1, len(self) + 1):
            return True
        return 1 < key <= len(self) and self.label(key - 1) != self.label(key - 2)

    def _begins_identities(self, key):
        if key not in self.records.index or key - 1 not in self.records.index:
            return False
        (_, image), (_, image_before) = self._unpack(key), self._unpack(key - 1)
        return len(image) == 0 < len(image_before)

    def _unpack(self, key):
        return unpack_label(self.records.read(key), f"{self.path}: record {key}")


def record_path(path):
    """The ``.rec`` file that ``path`` means: a folder with ``train.rec``, a ``.rec``, or its stem.

    Raises:
        RecordError: the folder holds no ``train.rec`` and not exactly one other ``.rec``.
    """
    path = Path(path)
    if not path.is_dir():
        stem = path.with_name(path.name + ".rec")
        return stem if stem.is_file() else path
    candidates = [path / "train.rec"] if (path / "train.rec").is_file() else sorted(path.glob("*.rec"))
    if len(candidates) != 1:
        names = ", ".join(file.name for file in candidates[:5]) or "no .rec file"
        raise RecordError(f"{path}: expected train.rec, found {names}; name the folder of a set or one .rec file")
    return candidates[0]


def class_of(label, source):
    """The class (int) in an image's label: a scalar, or the first of ``[class, aligned]`` and the like.

    ``source`` is what to call the record in an error.

    Raises:
        RecordError: the label is empty, not a number, or no 32-bit one.
    """
    value = label if isinstance(label, float) else float(label[0]) if len(label) else math.nan
    if not abs(value) < _LABEL_LIMIT:  # nor NaN
        raise RecordError(f"{source}: expected a class as label, found {label}; the record is damaged")
    return int(value)
