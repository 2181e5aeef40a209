"""The idx files that MNIST is shipped in, plain or compressed with gzip.

Big-endian: two zero bytes, a byte for the type (8: uint8, all that MNIST has), a byte for the number of dimensions,
each dimension as uint32, then the array in C order (http://yann.lecun.com/exdb/mnist/).
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.errors import RecordError

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 1 << 27  # of an array; MNIST's largest is 47 MB, and gzip lets a small file claim a thousandfold


def read_idx(path, dimensions):
    """Read an array of bytes, whatever the ending of the file's name.

    Args:
        path: of a regular file.
        dimensions: number of axes the array must have.

    Returns:
        uint8 array.

    Raises:
        RecordError: missing, no idx file of bytes, of other dimensions, too large, cut short, damaged or too long.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordError(f"{path}: expected an idx file, found {'no regular file' if path.exists() else 'none'}")
    with open(path, "rb") as plain:
        compressed = plain.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        plain.seek(0)
        try:
            return _parse(path, gzip.GzipFile(fileobj=plain) if compressed else plain, dimensions)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RecordError(f"{path}: expected gzip data, found it damaged ({error}); fetch it again") from None


def _parse(path, file, dimensions):
    expected = bytes([0, 0, 8, dimensions])
    magic = file.read(4)
    if magic != expected:
        raise RecordError(
            f"{path}: byte 0: expected 0x{expected.hex()}, an idx file of bytes in {dimensions} dimensions, found "
            f"0x{magic.hex()}; give a file of MNIST's"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise RecordError(f"{path}: byte 4: expected {dimensions} sizes, found the end of the file; fetch it again")
    shape = struct.unpack(f">{dimensions}I", sizes)
    count = math.prod(shape)
    if not 0 < count <= MAX_BYTES:
        raise RecordError(f"{path}: byte 4: expected 1 to {MAX_BYTES} bytes, found the shape {shape}; fetch it again")
    data = file.read(count)
    if len(data) < count or file.read(1):
        found = f"{len(data)}" if len(data) < count else "more"
        raise RecordError(f"{path}: expected {count} bytes for the shape {shape}, found {found}; fetch it again")
    return np.frombuffer(data, np.uint8).reshape(shape)
