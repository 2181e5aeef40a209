"""What stands before the image in a record: MXNet's ``IRHeader`` and the label.

``<IfQQ``: uint32 flag, float32 label, uint64 id, uint64 id2 (24 bytes). The label decides the flag:
a scalar is stored in the header with flag 0; any array, even of one element, is stored after the
header as ``flag`` float32 values, and the header's own label is 0. (MXNet 1.9.1, recordio.pack.)
"""

import struct

import numpy as np

from insightrec.recordio_tools.errors import RecordError

_HEADER = struct.Struct("<IfQQ")
HEADER_SIZE = _HEADER.size
_unpack_label = struct.Struct("<If16x").unpack_from
_FLOAT32 = np.dtype("<f4")


def pack_label(label, image=b"", *, id=0, id2=0):
    """One payload. ``label``: a number, or a sequence of numbers stored as float32; ``image``: bytes."""
    if isinstance(label, (int, float, np.number)):
        return _HEADER.pack(0, label, id, id2) + image
    values = np.asarray(label, np.float32).ravel()
    return b"".join((_HEADER.pack(values.size, 0.0, id, id2), values.tobytes(), image))


def unpack_label(payload, source):
    """Split a payload into ``(label, image)``; nothing is copied.

    Returns:
        label: float if it is a scalar, else a float32 array (flag,).
        image: the encoded image, a slice of ``payload``; empty for header and identity records.

    Raises:
        RecordError: the payload is shorter than its header says.
    """
    try:
        flag, label = _unpack_label(payload)
        if flag == 0:
            return label, payload[HEADER_SIZE:]
        return np.frombuffer(payload, _FLOAT32, flag, HEADER_SIZE), payload[HEADER_SIZE + 4 * flag :]
    except (struct.error, ValueError):
        raise RecordError(
            f"{source}: expected an image header of {HEADER_SIZE} bytes and the label it announces, found a payload of "
            f"{len(payload)} bytes; the record is damaged or no MXNet image record"
        ) from None
