"""State files: JSON and named arrays in one zip archive, read without pickle.

Nothing is compressed, so that no member can be larger than the file. ``state.json`` is one JSON object; every other
member is ``NAME.npy``, so that NumPy's ``load`` reads the arrays too. The archive holds a CRC-32 of every member.
"""

import contextlib
import io
import json
import math
import struct
import tokenize
import zipfile
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import ModelError

JSON_MEMBER = "state.json"
ARRAY_SUFFIX = ".npy"
MAX_JSON = 64 << 20  # bytes; the largest graph of a network, which goes in here, is under 1 MB
MAX_NPY_HEAD = 1 << 10  # bytes; a dtype and a shape
NPY_VERSION = (1, 0)
NUMERIC = "fiub"  # NumPy's kinds float, int, unsigned int and bool; nothing that could hold an object


def write_state(path, content, arrays):
    """Write a JSON-able dict and a dict of name to array (float, int or bool); an existing file is replaced at once.

    Raises:
        OutputError: the file cannot be written.
        ValueError: an array is of another kind.
    """
    with atomic_write(path, overwrite=True) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(JSON_MEMBER, json.dumps(content))
        for name, array in arrays.items():
            array = np.asarray(array, order="C")
            _check_kind(name, array.dtype)
            with archive.open(name + ARRAY_SUFFIX, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, NPY_VERSION, allow_pickle=False)


def read_state(path):
    """Read a state file into its JSON object and its dict of name to array (read-only).

    Raises:
        ModelError: no such file, or it is damaged.
    """
    with _open(path) as archive:
        members = [info for info in archive.infolist() if info.filename != JSON_MEMBER]
        return _read_json(archive), dict(_read_array(archive, info) for info in members)


def read_state_json(path):
    """The JSON object alone, however large the arrays are.

    Raises:
        ModelError: as `read_state`.
    """
    with _open(path) as archive:
        return _read_json(archive)


@contextlib.contextmanager
def _open(path):
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if any(info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size for info in infos):
                raise ValueError("a member is compressed")
            if sum(info.file_size for info in infos) > Path(path).stat().st_size:
                raise ValueError("its members are larger than the file")
            yield archive
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (
        zipfile.BadZipFile,
        ValueError,
        KeyError,
        EOFError,
        RuntimeError,  # encrypted, unknown features, or nested too deeply
        struct.error,
        OverflowError,
        SyntaxError,
        tokenize.TokenError,  # NumPy, of a head whose brackets do not close
    ) as error:
        raise ModelError(f"{path}: damaged, or no training state ({error}); resume from another checkpoint") from None


def _read_json(archive):
    info = archive.getinfo(JSON_MEMBER)
    if info.file_size > MAX_JSON:
        raise ValueError(f"{JSON_MEMBER}: expected at most {MAX_JSON} bytes, found {info.file_size}")
    content = json.loads(archive.read(info))
    if not isinstance(content, dict):
        raise ValueError(f"{JSON_MEMBER}: expected an object, found {type(content).__name__}")
    return content


def _read_array(archive, info):
    """Name and array of a member. The shape is believed only when as many bytes are there."""
    if not info.filename.endswith(ARRAY_SUFFIX):
        raise ValueError(f"expected members named {JSON_MEMBER} or NAME{ARRAY_SUFFIX}, found {info.filename!r}")
    name = info.filename[: -len(ARRAY_SUFFIX)]
    raw = archive.read(info)
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    (head,) = struct.unpack_from("<H", raw, stream.tell())
    if version != NPY_VERSION or head > MAX_NPY_HEAD:
        raise ValueError(f"array {name!r}: expected an .npy file of version 1.0, found another head")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    _check_kind(name, dtype)
    if math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        raise ValueError(f"array {name!r}: expected {dtype} of shape {shape}, found {len(raw) - stream.tell()} bytes")
    return name, np.frombuffer(raw, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran_order else "C")


def _check_kind(name, dtype):
    if dtype.kind not in NUMERIC:
        raise ValueError(f"array {name!r}: expected numbers, found {dtype}")
