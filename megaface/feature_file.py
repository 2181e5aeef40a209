"""The MegaFace devkit's matrix files (``.bin``): one feature of an image, or a matrix of scores.

Little-endian: four int32, ``rows``, ``cols``, ``step`` (bytes a row) and ``type``, then the rows. The type's
low 12 bits are OpenCV's: 5 is float32, 6 is float64. A feature is a column, ``rows`` = its dimension, ``cols`` = 1.
"""

import os
import struct
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.errors import FeatureError

HEADER_BYTES = 16
MAX_DIMENSION = (
    1 << 14
)  # numbers in one feature, what the bound of `score_bound` is proven for; published ones have some thousands
_HEADER = struct.Struct("<4i")
_FLOAT32 = 5
_TYPES = {_FLOAT32: np.dtype("<f4"), 6: np.dtype("<f8")}
_TYPE_BITS = 0xFFF  # above them OpenCV keeps flags of the matrix in memory
_FEATURE_BYTES = HEADER_BYTES + 8 * MAX_DIMENSION
_USUAL_BYTES = 1 << 14  # room for the largest feature takes longer to set aside than a usual one to read


def read_feature(path):
    """Read the feature of one image: float32 (D,).

    Row vectors, which the devkit does not read, and float64 are read too. The latter is rounded; the devkit rounds it
    for dot products alone and not for norms, so that its scores of float64 files can differ in the last bits.

    Raises:
        FeatureError: no such file, or it is no whole vector of finite numbers of at most `MAX_DIMENSION`.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(_USUAL_BYTES)
            if len(data) == _USUAL_BYTES:
                data += file.read(_FEATURE_BYTES + 1 - _USUAL_BYTES)
    except OSError as error:
        raise FeatureError(f"{path}: expected a feature file, found: {error.strerror}; make it again") from None
    rows, cols, dtype = _parse_header(path, data[:HEADER_BYTES])
    if min(rows, cols) != 1 or max(rows, cols) > MAX_DIMENSION:
        raise FeatureError(
            f"{path}: expected a vector of 1 to {MAX_DIMENSION} numbers, found {rows} rows and {cols} columns"
        )
    _check_size(path, len(data), rows * cols * dtype.itemsize)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as that
        vector = np.frombuffer(data, dtype, offset=HEADER_BYTES).astype(np.float32)
    check_finite(path, vector)
    return vector


def write_feature(path, vector):
    """Write one feature, float (D,), as `feature_content`.

    An old file is replaced; a killed run leaves the old one or the new one. Folders are made as needed.

    Raises:
        FeatureError: as `feature_content`.
    """
    write_quickly(Path(path), feature_content(path, vector))


def feature_content(path, vector):
    """The bytes of the feature file ``path`` of ``vector``, float (D,), as the devkit reads it: a column of float32.

    Raises:
        FeatureError: ``vector`` is not 1 to `MAX_DIMENSION` finite numbers.
    """
    vector = np.ascontiguousarray(vector, "<f4")
    if vector.ndim != 1 or not 1 <= len(vector) <= MAX_DIMENSION:
        raise FeatureError(f"{path}: expected a vector of 1 to {MAX_DIMENSION} numbers, found shape {vector.shape}")
    check_finite(path, vector)
    return matrix_header(len(vector), 1) + vector.tobytes()


def is_feature(path, dimension):
    """Whether ``path`` is a whole file as `write_feature` makes it, of ``dimension`` finite numbers. It is read."""
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(HEADER_BYTES + 4 * dimension + 1)
    except OSError:
        return False
    return (
        len(data) == HEADER_BYTES + 4 * dimension
        and data.startswith(matrix_header(dimension, 1))
        and bool(np.isfinite(np.frombuffer(data, "<f4", offset=HEADER_BYTES)).all())
    )


def feature_bytes(dimension):
    """Sizes that a feature file of ``dimension`` numbers may have, in bytes: float32, float64."""
    return tuple(HEADER_BYTES + dimension * dtype.itemsize for dtype in _TYPES.values())


def check_finite(name, vector):
    """Raise `FeatureError` for the first number of ``vector`` (D,) that is infinite or not a number."""
    finite = np.isfinite(vector)
    if not finite.all():
        place = int(finite.argmin())
        raise FeatureError(f"{name}: number {place}: expected a finite number, found {vector[place]}; make it again")


def matrix_header(rows, cols):
    """The 16 bytes before the rows of a float32 matrix."""
    return _HEADER.pack(rows, cols, 4 * cols, _FLOAT32)


def read_matrix(path):
    """Open a matrix of scores, as the devkit writes it: rows are probes, columns are what they are compared with.

    Returns:
        float32 or float64 (rows, cols), a read-only memory map: numbers are read from disk when they are used.

    Raises:
        FeatureError: no such file, or it is no whole matrix.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FeatureError(f"{path}: expected a matrix file, found: {error.strerror}; check the path") from None
    rows, cols, dtype = _parse_header(path, header)
    _check_size(path, size, rows * cols * dtype.itemsize)
    return np.memmap(path, dtype, "r", HEADER_BYTES, (rows, cols))


def _parse_header(path, header):
    """``(rows, cols, dtype)`` of a header that is consistent in itself."""
    if len(header) < HEADER_BYTES:
        raise FeatureError(f"{path}: expected a header of {HEADER_BYTES} bytes, found {len(header)}; make it again")
    rows, cols, step, kind = _HEADER.unpack(header)
    dtype = _TYPES.get(kind & _TYPE_BITS)
    if dtype is None:
        raise FeatureError(
            f"{path}: expected type 5 (float32) or 6 (float64), found {kind & _TYPE_BITS}; is it a devkit matrix file?"
        )
    if rows < 1 or cols < 1:
        raise FeatureError(f"{path}: expected at least 1 row and 1 column, found {rows} and {cols}; make it again")
    if step != cols * dtype.itemsize:
        # matio.py writes this for float64, and the devkit then reads half of the numbers and scores them.
        matio = " (matio.py's float64, which the devkit misreads)" if step == 4 * cols else ""
        raise FeatureError(
            f"{path}: expected {cols * dtype.itemsize} bytes a row of {cols} {dtype.name}, found step {step}{matio}; "
            "write it again as float32"
        )
    return rows, cols, dtype


def _check_size(path, found, numbers):
    """Raise `FeatureError` unless ``found`` bytes are the header and ``numbers`` bytes."""
    expected = HEADER_BYTES + numbers
    if found != expected:
        what = "cut off" if found < expected else "longer than its header says"
        raise FeatureError(f"{path}: expected {expected} bytes, found {_size(found)}; it is {what}, make it again")


def _size(found):
    return f"more than {_FEATURE_BYTES}" if found == _FEATURE_BYTES + 1 else found
