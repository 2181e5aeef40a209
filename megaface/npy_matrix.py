"""A float32 matrix in NumPy's ``.npy`` format (version 1.0), written by appending and read some rows at a time.

Rows are read, not memory-mapped: what has been read of a map counts as the process's memory until the map is closed.
"""

import contextlib
import os
import tokenize

import numpy as np

from insightrec.recordio_tools.errors import FeatureError

HEAD_BYTES = 128  # enough for any shape, so that the head can be written before the number of rows is known
_MAGIC = b"\x93NUMPY\x01\x00"
_MOST_HEAD_BYTES = 10000  # NumPy's own limit
_FLOAT32 = np.dtype("<f4")


def matrix_head(rows, columns):
    """The first `HEAD_BYTES` bytes of a file; the rows follow."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    length = HEAD_BYTES - len(_MAGIC) - 2
    return _MAGIC + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


class NpyMatrix:
    """A matrix on disk. It can be sent to another process: its file is open only while it reads.

    Attributes:
        path: of the file.
        shape: (rows, columns).

    Raises:
        FeatureError: the file is missing, damaged, or holds no C-ordered float32 matrix.
    """

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as file:
                self.shape, self._offset = _read_head(path, file)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise FeatureError(f"{path}: expected a packed store, found: {error.strerror}; check the path") from None
        expected = self._offset + _FLOAT32.itemsize * self.shape[0] * self.shape[1]
        if size != expected:
            raise FeatureError(f"{path}: expected {expected} bytes for shape {self.shape}, found {size}; pack it again")

    def take(self, rows):
        """The ``rows``, int (n,), each 0 to shape[0] - 1: float32 (n, columns). Consecutive ones are read together.

        Raises:
            FeatureError: the file has become shorter.
        """
        rows = np.asarray(rows, np.int64)
        result = np.empty((len(rows), self.shape[1]), _FLOAT32)
        starts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1)]
        with open(self.path, "rb") as file:
            for start, stop in zip(starts, [*starts[1:], len(rows)]):
                run = result[start:stop]
                if len(run):
                    file.seek(self._offset + int(rows[start]) * _FLOAT32.itemsize * self.shape[1])
                    if file.readinto(run) != run.nbytes:
                        raise FeatureError(f"{self.path}: row {rows[start]}: expected {run.nbytes} bytes, found fewer")
        return result


def _read_head(path, file):
    """``(shape, offset)`` of a file that holds a C-ordered float32 matrix."""
    start = file.read(len(_MAGIC) + 2)
    length = int.from_bytes(start[len(_MAGIC) :], "little")
    head = None
    if start.startswith(_MAGIC) and length <= _MOST_HEAD_BYTES:
        file.seek(len(_MAGIC))
        with contextlib.suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError):
            head = np.lib.format.read_array_header_1_0(file)
    if head is None:
        raise FeatureError(f"{path}: expected an .npy file of version 1.0, found another head; pack it again")
    shape, fortran_order, dtype = head
    if fortran_order or dtype != _FLOAT32 or len(shape) != 2 or min(shape) < 1:
        order = "Fortran" if fortran_order else "C"
        raise FeatureError(
            f"{path}: expected a float32 matrix in C order, found {dtype} of shape {shape} in {order} order; "
            "pack it again"
        )
    return shape, file.tell()
