"""Where the features of a list come from: one file an image, or a packed store. Both are read the same way.

A source gives the rows of its list as float32 matrices, some at a time, and can be sent to another process.
"""

import functools
import hashlib
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from insightrec.megaface.feature_file import feature_bytes, read_feature
from insightrec.megaface.packed_store import check_rows, open_store, store_files, store_path
from insightrec.recordio_tools.errors import FeatureError
from insightrec.recordio_tools.file_stamp import file_stamp
from insightrec.recordio_tools.ordered_pool import ordered_map

THREADS = 8  # that read files: they wait for a disk or a network at the same time
_NAMED = 5  # files that an error names; the others are counted
_STAMPED = 1000  # files that a thread looks at in one go for a stamp: handing over each alone takes longer than a look


def open_source(location, paths, file_ending=None, *, threads=THREADS):
    """The `FeatureFiles` in ``location``, if that is a folder, else the `PackedFeatures`.

    A packed store is given by its path without ending, or by its matrix, ``<store>.npy``. Where there are both a folder
    and a store of that path, the folder is taken, with a warning.

    Raises:
        FeatureError: neither is there, or there are files and no ``file_ending``; as the class.
    """
    if Path(location).is_dir():
        if store_files(location)[0].is_file():
            warnings.warn(
                f"{location}: found a folder and a packed store of this name; the folder's files are taken (give "
                f"{location}.npy for the store)",
                stacklevel=2,
            )
        if file_ending is None:
            raise FeatureError(f"{location}: expected the ending of its feature files, found none; give --file-ending")
        return FeatureFiles(location, paths, file_ending, threads=threads)
    store = store_path(location)
    if store_files(store)[0].is_file():
        return PackedFeatures(store, paths)
    raise FeatureError(f"{location}: expected a folder of features or a packed store, found neither; check the path")


class FeatureFiles:
    """Feature files ``<root>/<path><file_ending>``, in the order of ``paths``.

    Args:
        root: the folder.
        paths: list of str.
        file_ending: what is added to a path, such as ``_model.bin``.
        threads: how many read files.

    Attributes:
        paths: list of str.
        dimension: D, that of the first file.

    Raises:
        FeatureError: reading ``dimension``: the first file cannot be read.
    """

    def __init__(self, root, paths, file_ending, *, threads=THREADS):
        self.paths = paths
        self._root = os.fspath(root)
        self._ending = file_ending
        self._threads = threads

    def __len__(self):
        return len(self.paths)

    @functools.cached_property
    def dimension(self):
        return len(read_feature(self._file(0)))

    def check(self):
        """Look at every file, without reading it.

        Raises:
            FeatureError: files are missing or have the size of another dimension; it counts them and names the first.
        """
        missing, other = [], []
        sizes = ordered_map(self._size, range(len(self)), self._threads)
        expected = None
        for position, size in enumerate(tqdm(sizes, total=len(self), desc="check", unit="file", disable=None)):
            if size is None:
                missing.append(self._file(position))
            elif expected is None:
                expected = feature_bytes(len(read_feature(self._file(position))))
            elif size not in expected:
                other.append(f"{self._file(position)} ({size} bytes)")
        found = []
        if missing:
            found.append(f"{len(missing)} missing: {_first(missing)}")
        if other:
            found.append(f"{len(other)} of another size than {expected[0]} bytes: {_first(other)}")
        if found:
            raise FeatureError(
                f"{self._root}: expected {len(self)} feature files of one size, found {'; '.join(found)}; "
                "make these again, or check --file-ending"
            )

    def stamp(self):
        """What tells these features from others without reading them: 64 hex digits, str.

        The SHA-256 of all paths in order, each with its file's size and time of change (in nanoseconds). Features that
        were made again, or a file that came or went, change it; the place of the folder and ``threads`` do not. Some
        5 microseconds a file.
        """
        digest = hashlib.sha256()
        for block in ordered_map(self._stamp, range(0, len(self), _STAMPED), self._threads):
            digest.update(block)
        return digest.hexdigest()

    def read(self, start, stop):
        """Rows ``start`` to ``stop``: float32 (stop - start, D), C-contiguous, finite.

        Raises:
            FeatureError: files are missing, damaged, of another dimension, or hold NaN or infinity; it counts those
                among the rows asked for and names the first.
        """
        return self.take(range(start, stop))

    def take(self, indices):
        """The rows ``indices``: float32 (len(indices), D); errors as `read`."""
        try:
            rows = np.empty((len(indices), self.dimension), np.float32)
        except FeatureError as error:  # of the first file: look which others are damaged too
            rows, damaged = None, {0: error}
        else:
            damaged = {}
        for place, (index, feature) in enumerate(zip(indices, ordered_map(self._feature, indices, self._threads))):
            if isinstance(feature, FeatureError):
                damaged[int(index)] = feature
            elif rows is not None and len(feature) != self.dimension:
                damaged[int(index)] = FeatureError(
                    f"{self._file(index)}: expected {self.dimension} numbers as in {self._file(0)}, found "
                    f"{len(feature)}; make it again with the same model"
                )
            elif not damaged:
                rows[place] = feature
        if damaged:
            _raise_all(self._root, list(damaged.values()), len(indices))
        return rows

    def _file(self, index):
        return os.path.join(self._root, self.paths[index] + self._ending)

    def _size(self, index):
        """Bytes of a file, or None where there is no file."""
        try:
            status = os.stat(self._file(index))
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def _stamp(self, start):
        lines = []
        for path in self.paths[start : start + _STAMPED]:
            name = path + self._ending
            lines.append(f"{name}\0{_state(os.path.join(self._root, name))}\n")
        return os.fsencode("".join(lines))

    def _feature(self, index):
        """The feature of a file, or the `FeatureError` that says why there is none."""
        try:
            return read_feature(self._file(index))
        except FeatureError as error:
            return error


class PackedFeatures:
    """Rows of a packed store.

    Args:
        store: path of the store, without ending.
        paths: which rows, list of str; None is all.

    Attributes:
        store: as given.
        paths: list of str.
        dimension: D.

    Raises:
        FeatureError: the store is missing or damaged, or has no row for some of ``paths``; it counts them and names
            the first.
        ListError: the store's list cannot be read.
    """

    def __init__(self, store, paths=None):
        self.store = store
        self._matrix, templates = open_store(store)
        self.paths = templates.paths if paths is None else paths
        self._rows = self._find(templates.paths)

    def _find(self, stored):
        if self.paths == stored:
            return np.arange(len(stored))
        rows = dict(zip(stored, range(len(stored))))
        if len(rows) != len(stored):
            raise FeatureError(
                f"{self._matrix.path}: expected a row for each path, found {len(stored) - len(rows)} paths again; "
                "pack it again"
            )
        missing = [path for path in self.paths if path not in rows]
        if missing:
            raise FeatureError(
                f"{self._matrix.path}: expected {len(self)} listed features, found {len(missing)} missing: "
                f"{_first(missing)}; make these again"
            )
        return np.fromiter(map(rows.__getitem__, self.paths), np.int64, len(self))

    def __len__(self):
        return len(self.paths)

    @property
    def dimension(self):
        return self._matrix.shape[1]

    def check(self):
        """Nothing is left to look at: opening the store found a row for every path."""

    def stamp(self):
        """What tells these features from others without reading them: 64 hex digits, str.

        The SHA-256 of the sizes and times of change (in nanoseconds) of the store's two files, and of the rows that
        ``paths`` select, in order. A store that was written again, or another choice of rows, changes it; its place
        does not.
        """
        digest = hashlib.sha256(" ".join(map(_state, store_files(self.store))).encode("ascii"))
        digest.update(self._rows.astype("<i8").tobytes())
        return digest.hexdigest()

    def read(self, start, stop):
        """Rows ``start`` to ``stop``: float32 (stop - start, D), C-contiguous, finite.

        Raises:
            FeatureError: a row holds NaN or infinity.
        """
        return self.take(np.arange(start, stop))

    def take(self, indices):
        """The rows ``indices``: float32 (len(indices), D); errors as `read`."""
        rows = self._matrix.take(self._rows[indices])
        check_rows(self._matrix.path, [self.paths[index] for index in indices], rows)
        return rows


def _state(file):
    """Size and time of change of a file, as text; without them where it cannot be found."""
    return " ".join(map(str, file_stamp(file) or ["none"]))


def _raise_all(root, errors, count):
    """Raise one `FeatureError` for the ``errors`` of a block of ``count`` files below ``root``."""
    if len(errors) == 1:
        raise errors[0]
    more = len(errors) - _NAMED
    raise FeatureError(
        f"{root}: {len(errors)} feature files among {count} are damaged: {'; '.join(map(str, errors[:_NAMED]))}"
        + (f"; and {more} more" if more > 0 else "")
    )


def _first(names):
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
