"""What stands before the image in a record: MXNet's ``IRHeader`` and the label.

``<IfQQ``: uint32 flag, float32 label, uint64 id, uint64 id2 (24 bytes). The label decides the flag:
a scalar is stored in the header with flag 0; any array, even of one element, is stored after the
header as ``flag`` float32 values, and the header's own label is 0. (MXNet 1.9.1, recordio.pack.)
"""

import struct
from typing import NamedTuple, Union

import numpy as np

from insightrec.recordio_tools.errors import RecordError

_HEADER = struct.Struct("<IfQQ")
HEADER_SIZE = _HEADER.size
_unpack_header = _HEADER.unpack_from
_FLOAT32 = np.dtype("<f4")


class Labelled(NamedTuple):
    """One unpacked record payload.

    label: float for a scalar label, else a float32 array of shape (flag,).
    image: memoryview or bytes of the encoded image; empty for header and identity records.
    """

    label: Union[float, np.ndarray]
    id: int
    id2: int
    image: memoryview


def pack_label(label, image=b"", *, id=0, id2=0):  # noqa: A002 - the field's name in the format
    """One payload. ``label``: a number, or a sequence of numbers stored as float32; ``image``: bytes."""
    if isinstance(label, (int, float, np.number)):
        return _HEADER.pack(0, label, id, id2) + image
    values = np.asarray(label, np.float32).ravel()
    return b"".join((_HEADER.pack(values.size, 0.0, id, id2), values.tobytes(), image))


def unpack_label(payload, source):
    """Split a payload into `Labelled`; nothing is copied.

    Raises:
        RecordError: the payload is shorter than its header says.
    """
    try:
        flag, label, id_, id2 = _unpack_header(payload)
    except struct.error:
        raise RecordError(
            f"{source}: expected a {HEADER_SIZE}-byte image header, found a payload of {len(payload)} bytes; "
            "this is not an MXNet image record"
        ) from None
    if flag == 0:
        return Labelled(label, id_, id2, payload[HEADER_SIZE:])
    end = HEADER_SIZE + 4 * flag
    if end > len(payload):
        raise RecordError(
            f"{source}: expected a label of {flag} numbers, found {len(payload) - HEADER_SIZE} bytes after the header; "
            "the record is damaged"
        )
    return Labelled(np.frombuffer(payload, _FLOAT32, flag, HEADER_SIZE), id_, id2, payload[end:])
