"""MXNet ``.params`` files (NDArray lists), read and written with NumPy alone.

Layout, little-endian: u64 0x112, u64 0, u64 n; n arrays; u64 number of names, each u64 length + UTF-8.
An array is, in the version MXNet 1.0 to 1.9 writes (V2): u32 magic, i32 storage type (0 = dense),
i32 ndim, i64 dims[ndim], i32 device type, i32 device id, i32 dtype, then the elements in C order. An
array without dimensions is empty and ends after ndim. V3 is V2 under MXNet's NumPy shape rules (ndim 0
is a scalar, -1 an empty array), V1 is V2 without the storage type, and before V1 the first word was ndim
itself, followed by u32 dims.
"""

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import ModelError

LIST_MAGIC = 0x112
ARRAY_V1, ARRAY_V2, ARRAY_V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
CPU = (1, 0)  # device type and id; where the array was when saved, of no use to a reader
MAX_DIMENSIONS = 32  # NumPy's limit before 2.0
DTYPES = tuple(np.dtype(code) for code in ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?"))  # by MXNet's number
SMALLEST_ARRAY = 12  # bytes: the oldest version's empty array (its ndim alone) and the length of its name
ARGUMENT, AUXILIARY = "arg:", "aux:"


@dataclass
class Params:
    """A model's arrays under their full names, ``arg:NAME`` and ``aux:NAME``, in file order.

    Arrays that were read are read-only views of the file's bytes.
    """

    arrays: dict = field(default_factory=dict)
    source: str = "parameters"  # what to call them in an error

    @property
    def arg(self):
        """Trained parameters by bare name (weights, biases, gamma, beta)."""
        return self._stripped(ARGUMENT)

    @property
    def aux(self):
        """Auxiliary states by bare name (moving mean and variance)."""
        return self._stripped(AUXILIARY)

    def _stripped(self, prefix):
        return {name[len(prefix) :]: array for name, array in self.arrays.items() if name.startswith(prefix)}


def read_params(path):
    """Read a ``.params`` file of any MXNet version into `Params`.

    Every length is checked against the bytes that are left before anything of that length is made.

    Raises:
        ModelError: not such a file, cut short, damaged, with sparse arrays, or without names.
    """
    try:
        return _Reader(Path(path)).params()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def write_params(path, arrays, *, overwrite=False):
    """Write named arrays as ``mx.nd.save`` of MXNet 1.0 to 1.9 does (V2, on the CPU), byte for byte.

    Args:
        path: the file to write.
        arrays: dict of full name to array, written in order; dtype float16/32/64, uint8, int8/32/64 or bool.
        overwrite: replace an existing file.

    Raises:
        OutputError: the file exists and ``overwrite`` is false.
        ValueError: an array has another dtype, no dimensions, or a zero among several dimensions, none of
            which V2 can tell apart from an empty array.
    """
    with atomic_write(path, overwrite=overwrite) as file:
        dump_params(file, arrays)


def dump_params(file, arrays):
    """`write_params` to an open binary file."""
    file.write(struct.pack("<QQQ", LIST_MAGIC, 0, len(arrays)))
    for name, array in arrays.items():
        array = np.asarray(array)
        file.write(_array_head(name, array))
        file.write(np.ascontiguousarray(array, _stored_dtype(name, array)).data)
    file.write(struct.pack("<Q", len(arrays)))
    for name in arrays:
        encoded = name.encode()
        file.write(struct.pack("<Q", len(encoded)) + encoded)


def _stored_dtype(name, array):
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES:
        raise ValueError(f"array {name!r}: expected one of {', '.join(d.name for d in DTYPES)}, found {array.dtype}")
    return dtype


def _array_head(name, array):
    number = DTYPES.index(_stored_dtype(name, array))
    if array.shape == (0,):
        return struct.pack("<Iii", ARRAY_V2, DENSE, 0)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"array {name!r}: shape {array.shape} cannot be stored; reshape it to one or more elements")
    dims = struct.pack(f"<i{array.ndim}q", array.ndim, *array.shape)
    return struct.pack("<Ii", ARRAY_V2, DENSE) + dims + struct.pack("<3i", *CPU, number)


class _Reader:
    """A cursor over the file's bytes; every failure names the byte and the array it stands in."""

    def __init__(self, path):
        self.path = path
        self.data = memoryview(path.read_bytes())
        self.position = 0
        self.place = "list header"

    def params(self):
        magic, reserved, count = self.unpack("QQQ")
        if (magic, reserved) != (LIST_MAGIC, 0):
            self.fail(f"expected the words 0x112, 0x0, found {magic:#x}, {reserved:#x}; not a .params file", at=0)
        if count > self.left // SMALLEST_ARRAY:
            self.fail(f"expected room for {count} arrays, found {self.left} bytes to the end of the file")
        arrays = [self.array(index, count) for index in range(count)]
        names = self.names(count)
        if self.left:
            self.fail(f"expected the end of the file, found {self.left} bytes more")
        return Params(dict(zip(names, arrays)), str(self.path))

    def array(self, index, count):
        self.place = f"array {index} of {count}"
        start = self.position
        (magic,) = self.unpack("I")
        if magic in (ARRAY_V2, ARRAY_V3):
            (storage,) = self.unpack("i")
            if storage != DENSE:
                self.fail(f"expected dense storage (0), found type {storage}; save the array as a dense one", at=start)
        shape = self.shape(magic)
        if shape is None:
            return np.empty(0, np.float32)
        _device_type, _device, number = self.unpack("3i")
        if not 0 <= number < len(DTYPES):
            self.fail(f"expected a dtype number 0..{len(DTYPES) - 1}, found {number}", at=self.position - 4)
        dtype = DTYPES[number]
        raw = self.take(math.prod(shape) * dtype.itemsize, f"elements of a {dtype.name} array of shape {shape}")
        try:
            return np.ndarray(shape, dtype, raw)
        except ValueError:  # a zero among dimensions whose product no machine can address
            self.fail(f"expected an array that fits in memory, found shape {shape}", at=start)

    def shape(self, magic):
        """The dimensions, or None for an empty array, after which nothing follows."""
        start = self.position
        if magic in (ARRAY_V1, ARRAY_V2, ARRAY_V3):
            (ndim,), code = self.unpack("i"), "q"
        else:
            ndim, code, start = magic, "I", start - 4
        if ndim == (-1 if magic == ARRAY_V3 else 0):
            return None
        if not 0 <= ndim <= MAX_DIMENSIONS:
            self.fail(f"expected an array of at most {MAX_DIMENSIONS} dimensions, found the word {ndim:#x}", at=start)
        shape = self.unpack(f"{ndim}{code}")
        if min(shape, default=0) < 0:
            self.fail(f"expected dimensions of 0 and more, found {shape}", at=start)
        return shape

    def names(self, count):
        self.place = "names"
        (found,) = self.unpack("Q")
        if found != count:
            self.fail(f"expected {count} names, one for each array, found {found}", at=self.position - 8)
        names = {}
        for index in range(count):
            self.place = f"name {index} of {count}"
            (length,) = self.unpack("Q")
            raw = bytes(self.take(length, "a name"))
            try:
                name = raw.decode()
            except UnicodeDecodeError:
                self.fail(f"expected a name in UTF-8, found {raw[:16].hex(' ')}", at=self.position - length)
            if name in names:
                self.fail(f"name {name!r} occurs twice, first as name {names[name]}", at=self.position - length)
            names[name] = index
        return names

    @property
    def left(self):
        return len(self.data) - self.position

    def unpack(self, code):
        layout = struct.Struct("<" + code)
        return layout.unpack(self.take(layout.size, "a header"))

    def take(self, size, what):
        if size > self.left:
            self.fail(f"expected {size} bytes ({what}), found {self.left} to the end of the file; it is cut or damaged")
        start = self.position
        self.position += size
        return self.data[start : self.position]

    def fail(self, message, at=None):
        place = self.position if at is None else at
        raise ModelError(f"{self.path}: byte {place}: {self.place}: {message}") from None
