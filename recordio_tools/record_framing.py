"""RecordIO framing: how dmlc-core, and so MXNet, lays one record into a ``.rec`` file.

A record is one or more parts. A part is a little-endian head, its data, and zeros up to a multiple
of four bytes::

    uint32 magic 0xced7230a | uint32 cflag << 29 | length | data | 0..3 zeros

The writer cuts a payload wherever the magic word stands at a multiple of four bytes and leaves that
word out; the reader puts it back. So a magic word at an aligned offset of the file always begins a
part, which makes scanning for it a safe way on in a damaged file.
"""

import struct

from insightrec.recordio_tools.errors import RecordError

MAGIC = 0xCED7230A
MAGIC_WORD = struct.pack("<I", MAGIC)
MAX_LENGTH = (1 << 29) - 1  # the length shares a uint32 with the three bits of cflag
FIRST, MIDDLE, LAST = 1, 2, 3  # cflag; 0 is a whole record

_HEAD = struct.Struct("<II")
HEAD_SIZE = _HEAD.size
_unpack_head = _HEAD.unpack_from
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")  # by length modulo 4


def frame(payload):
    """The bytes of one record.

    Args:
        payload: bytes, up to `MAX_LENGTH`.

    Raises:
        RecordError: the payload is longer; MXNet refuses it too.
    """
    length = len(payload)
    if length > MAX_LENGTH:
        raise RecordError(f"record of {length} bytes: expected at most {MAX_LENGTH} (2^29 - 1); split or shrink it")
    cuts = _aligned_magic(payload)
    if not cuts:
        return b"".join((_HEAD.pack(MAGIC, length), payload, _PADDING[length & 3]))
    pieces, begin, cflag = [], 0, FIRST
    for cut in cuts:
        pieces += _HEAD.pack(MAGIC, cflag << 29 | (cut - begin)), payload[begin:cut]
        begin, cflag = cut + len(MAGIC_WORD), MIDDLE
    pieces += _HEAD.pack(MAGIC, LAST << 29 | (length - begin)), payload[begin:], _PADDING[length & 3]
    return b"".join(pieces)


def _aligned_magic(payload):
    cuts, found = [], payload.find(MAGIC_WORD)
    while found >= 0:
        if found & 3 == 0:
            cuts.append(found)
        found = payload.find(MAGIC_WORD, found + 1)
    return cuts


def unframe(view, offset, source):
    """Read the record whose head stands at ``offset``.

    Args:
        view: memoryview of the whole file.
        offset: byte offset of the record's head.
        source: the file's name, for errors.

    Returns:
        ``(payload, end)``: the payload, a slice of ``view`` without a copy (bytes if the record had
        to be rejoined from parts), and the offset after the record.

    Raises:
        RecordError: no record begins at ``offset``, or it is cut short.
    """
    begin = offset + HEAD_SIZE
    if begin <= len(view):
        magic, length = _unpack_head(view, offset)
        if magic == MAGIC and length <= MAX_LENGTH and begin + length <= len(view):  # nearly all records are whole
            end = begin + length
            return view[begin:end], end + (-end & 3)
    cflag, begin, end = _part(view, offset, source)
    if cflag != FIRST:
        raise RecordError(
            f"{source}: byte {offset}: expected the start of a record, found part type {cflag}; {_REPAIR}"
        )
    parts = [view[begin:end]]
    while cflag != LAST:
        at = end + (-end & 3)
        cflag, begin, end = _part(view, at, source)
        if cflag not in (MIDDLE, LAST):
            raise RecordError(
                f"{source}: byte {at}: expected a further part of the record at byte {offset}, "
                f"found part type {cflag}; {_REPAIR}"
            )
        parts.append(view[begin:end])
    return MAGIC_WORD.join(parts), end + (-end & 3)


def _part(view, offset, source):
    """``(cflag, begin, end)`` of the part at ``offset``; parts and heads begin at multiples of four bytes."""
    try:
        magic, word = _unpack_head(view, offset)
    except struct.error:
        raise RecordError(
            f"{source}: byte {offset}: expected a record, found the file's end at byte {len(view)}; {_TRUNCATED}"
        ) from None
    if magic != MAGIC:
        raise RecordError(f"{source}: byte {offset}: expected magic {MAGIC:#x}, found {magic:#010x}; {_REPAIR}")
    begin = offset + HEAD_SIZE
    end = begin + (word & MAX_LENGTH)
    if end > len(view):
        found = len(view) - begin
        raise RecordError(
            f"{source}: byte {offset}: expected a record of {end - begin} bytes, found {found}; {_TRUNCATED}"
        )
    return word >> 29, begin, end


_REPAIR = "the file is damaged here, or its .idx belongs to another .rec"
_TRUNCATED = "the file is cut short; copy or download it again"
