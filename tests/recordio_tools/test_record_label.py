import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.record_label import HEADER_SIZE, pack_label, unpack_label


def test_golden_bytes():
    scalar = "00000000 0000e040 0100000000000000 0000000000000000 ff"
    vector = "02000000 00000000 0100000000000000 0000000000000000 0000e040 0000803f ff"
    assert pack_label(7, b"\xff", id=1) == bytes.fromhex(scalar)
    assert pack_label((7, 1.0), b"\xff", id=1) == bytes.fromhex(vector)


def test_an_array_of_one_is_not_a_scalar():
    assert pack_label([7.0])[:4] == b"\x01\0\0\0"


@given(
    st.one_of(st.floats(width=32), st.lists(st.floats(width=32), max_size=5)),
    st.binary(max_size=20),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)
def test_round_trip(label, image, id_, id2):
    payload = pack_label(label, image, id=id_, id2=id2)
    found, found_image = unpack_label(memoryview(payload), "x")
    np.testing.assert_array_equal(np.float32(found), np.float32(label))
    assert bytes(found_image) == image
    assert struct.unpack_from("<QQ", payload, 8) == (id_, id2)


@pytest.mark.parametrize("keep", [0, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 7])
def test_a_cut_header_is_refused(keep):
    with pytest.raises(
        RecordError, match="^here: expected an image header of 24 bytes and the label it announces, found a payload of"
    ):
        unpack_label(pack_label((1, 2))[:keep], "here")
