"""Verification packs (``lfw.bin``, ``cfp_fp.bin``, ...): pairs of encoded faces and whether they match.

A pack is a pickle of ``(images, is_same)``: 2P encoded images, pair i being items 2i and 2i+1, and P flags.
`read_pack` takes every dialect in circulation and builds nothing but bytes and flags (`pack_unpickler`).

`write_pack` writes pickle protocol 2 with Python 2 strings, as the released packs are, an image that is in
several pairs once. ``pickle.load(f)`` of Python 2 reads it; on Python 3 so do ``encoding="bytes"``
(InsightFace, also its PyTorch code, which comes to it after a UnicodeDecodeError) and ``"iso-8859-1"``
(gluon-face). Python 3 itself writes bytes with protocol 2 as Latin-1 text, half as large again, which
Python 2 reads as unicode; its newer protocols cannot be read by Python 2 at all.
"""

import hashlib
import importlib.metadata
import json
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.atomic_file import AtomicFileSet
from insightrec.recordio_tools.errors import PackError
from insightrec.recordio_tools.pack_unpickler import Array, load_pickle

MAX_PACK_BYTES = 1 << 31  # released packs are 20 to 100 MB
MAX_IMAGE_BYTES = (1 << 31) - 1  # BINSTRING's length is an int32

# The pickle operations that make a pack (CPython, pickletools).
_PROTOCOL_2, _STOP, _TUPLE2 = b"\x80\x02", b".", b"\x86"
_NEW_LIST, _EXTEND = b"](", b"e"  # EMPTY_LIST MARK ... APPENDS
_STRING, _REMEMBER, _RECALL = b"T", b"r", b"j"  # BINSTRING, LONG_BINPUT, LONG_BINGET
_FLAG = {True: b"\x88", False: b"\x89"}


@dataclass(frozen=True, eq=False)
class VerificationPack:
    """P pairs: ``images``, a list of 2P encoded images (bytes), and ``is_same``, a bool array (P,).

    Pair i is ``images[2*i], images[2*i+1]``. An image that the file shares between pairs is one object.
    """

    images: list
    is_same: np.ndarray

    def distinct(self):
        """(images without repetition, in order of first appearance; int64 index array (2P,) into them)."""
        places = {}
        index = [places.setdefault(image, len(places)) for image in self.images]
        return list(places), np.array(index, np.int64)


def read_pack(path):
    """Read a verification pack of any dialect into memory; it is untrusted, nothing in it is run.

    Images may be bytes, Latin-1 text or uint8 arrays (n,) or (n, 1); flags bools or 0/1 integers.
    The images are not decoded.

    Raises:
        PackError: damaged, hostile, or not ``(2P images, P flags)`` with P >= 1.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        if not 0 < size <= MAX_PACK_BYTES:
            raise PackError(f"{path}: expected a pack of at most {MAX_PACK_BYTES} bytes, found {size} bytes")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            pack = load_pickle(data, path)
    if not isinstance(pack, (tuple, list)) or len(pack) != 2 or not isinstance(pack[0], (tuple, list)):
        raise PackError(f"{path}: expected (images, is_same), found another structure; this is no verification pack")
    images = [_image_bytes(item, f"{path}: image {i}") for i, item in enumerate(pack[0])]
    is_same = _flags(pack[1], path)
    _check_counts(images, is_same, path)
    return VerificationPack(images, is_same)


def write_pack(path, images, is_same, *, description=None, overwrite=False):
    """Write a pack and, beside it, ``<pack's file name>.json``, which describes it.

    The same images and flags give the same bytes. Equal images are stored once.

    Args:
        path: the pack, e.g. ``lfw.bin``.
        images: 2P encoded images, bytes.
        is_same: P bools.
        description: dict of facts for the JSON file, e.g. where the images come from.
        overwrite: replace existing files.

    Returns:
        The dict the JSON file holds: ``description``, and pairs, same, different, distinct_images,
        bytes, sha256 and written_by.

    Both files are whole or absent. A killed run can leave a pack without a description, but never
    with another pack's.

    Raises:
        PackError: not 2P images to P flags, or P = 0.
        OutputError: a file exists and ``overwrite`` is false.
    """
    path = Path(path)
    description_path = path.with_name(path.name + ".json")
    is_same = np.asarray(is_same, bool)
    _check_counts(images, is_same, path)
    # The description comes last: an old one is removed before the new pack takes its name.
    with AtomicFileSet([path, description_path], overwrite=overwrite) as (pack, notes):
        sha256 = hashlib.sha256()
        for piece in _pickle(images, is_same):
            sha256.update(piece)
            pack.write(piece)
        facts = {
            **(description or {}),
            "pairs": len(is_same),
            "same": int(is_same.sum()),
            "different": int((~is_same).sum()),
            "distinct_images": len(set(images)),
            "bytes": pack.tell(),
            "sha256": sha256.hexdigest(),
            "written_by": f"insightrec {importlib.metadata.version('insightrec')}",
        }
        notes.write(json.dumps(facts, indent=1).encode() + b"\n")
    return facts


def _pickle(images, is_same):
    """Yield the bytes of a pack's pickle, piece by piece."""
    yield _PROTOCOL_2 + _NEW_LIST
    places = {}
    for image in images:
        if image in places:
            yield _RECALL + places[image].to_bytes(4, "little")
            continue
        if len(image) > MAX_IMAGE_BYTES:
            raise PackError(f"expected an image of at most {MAX_IMAGE_BYTES} bytes, found {len(image)}")
        places[image] = len(places) + 1  # the released packs count from 1
        yield _STRING + len(image).to_bytes(4, "little") + image
        yield _REMEMBER + places[image].to_bytes(4, "little")
    yield _EXTEND + _NEW_LIST
    yield b"".join(_FLAG[flag] for flag in is_same.tolist())
    yield _EXTEND + _TUPLE2 + _STOP


def _check_counts(images, is_same, path):
    if len(is_same) == 0 or len(images) != 2 * len(is_same):
        expected = f"{2 * len(is_same)} images for {len(is_same)} flags" if len(is_same) else "at least one pair"
        raise PackError(f"{path}: expected {expected}, found {len(images)} images and {len(is_same)} flags")


def _image_bytes(item, place):
    if isinstance(item, bytes):
        return item
    if isinstance(item, Array) and item.dtype is not None and item.dtype.code == "u1":
        return item.data
    raise PackError(f"{place}: expected an encoded image (bytes or uint8 array), found {type(item).__name__.lower()}")


def _flags(flags, path):
    if isinstance(flags, Array) and flags.dtype is not None:
        # Bools are read as bytes: a bool that is neither 0 nor 1 would do harm.
        order, code = flags.dtype.order, flags.dtype.code.replace("b", "u")
        flags = np.frombuffer(flags.data, np.dtype(order + code)).tolist()
    if not isinstance(flags, (list, tuple)):
        raise PackError(f"{path}: expected a list of flags, found {type(flags).__name__.lower()}")
    for i, flag in enumerate(flags):
        if not isinstance(flag, int) or flag not in (0, 1):
            found = flag if isinstance(flag, int) and abs(flag) < 1 << 64 else type(flag).__name__.lower()
            raise PackError(f"{path}: pair {i}: expected a flag of True/False or 0/1, found {found}")
    return np.array(flags, bool)
