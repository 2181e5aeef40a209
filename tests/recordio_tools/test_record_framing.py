import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.record_framing import MAGIC_WORD, MAX_LENGTH, frame, unframe

# Three records by hand: an empty one, 5 bytes with padding, and an aligned magic word cut out.
GOLDEN = {
    b"": "0a23d7ce 00000000",
    b"abcde": "0a23d7ce 05000000 6162636465 000000",
    b"abcd" + MAGIC_WORD + b"xy": "0a23d7ce 04000020 61626364  0a23d7ce 02000060 7879 0000",
}

payloads = st.lists(st.one_of(st.just(MAGIC_WORD), st.binary(max_size=9))).map(b"".join)


def read_all(data):
    offset, records = 0, []
    while offset < len(data):
        payload, offset = unframe(memoryview(data), offset, "x.rec")
        records.append(bytes(payload))
    return records


@pytest.mark.parametrize("payload", GOLDEN)
def test_golden_bytes(payload):
    assert frame(payload) == bytes.fromhex(GOLDEN[payload])


def test_magic_at_an_unaligned_offset_stays():
    assert frame(b"a" + MAGIC_WORD) == MAGIC_WORD + b"\x05\0\0\0a" + MAGIC_WORD + b"\0\0\0"


@given(st.lists(payloads, max_size=5))
def test_what_is_framed_is_read_back(records):
    data = b"".join(map(frame, records))
    assert len(data) % 4 == 0
    assert read_all(data) == records


@given(payloads)
def test_an_aligned_magic_always_begins_a_part(payload):
    data = frame(payload)
    starts = [at for at in range(0, len(data), 4) if data[at : at + 4] == MAGIC_WORD]
    expected = 1 + sum(payload[at : at + 4] == MAGIC_WORD for at in range(0, len(payload) - 3, 4))
    assert len(starts) == expected


@given(payloads, st.data())
def test_a_cut_record_is_refused(payload, data):
    whole = frame(payload)
    padding = -len(payload) % 4 if MAGIC_WORD not in payload else 0
    keep = data.draw(st.integers(0, len(whole) - padding - 1))
    try:
        found = unframe(memoryview(whole[:keep]), 0, "x.rec")[0]
    except RecordError as error:
        assert str(error).startswith("x.rec: byte ")
    else:
        assert found == payload  # only the padding of the last part was cut


@given(payloads, st.data())
def test_flipped_bytes_give_an_error_or_a_payload(payload, data):
    whole = bytearray(frame(payload))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(RecordError):
        read_all(bytes(whole))


def test_the_error_names_place_expected_and_found():
    with pytest.raises(RecordError, match=r"x\.rec: byte 4: expected magic 0xced7230a, found 0x00000000"):
        unframe(memoryview(MAGIC_WORD + bytes(12)), 4, "x.rec")


def test_a_middle_part_is_no_start():
    data = frame(MAGIC_WORD * 2)
    with pytest.raises(RecordError, match="byte 8: expected the start of a record, found part type 2"):
        unframe(memoryview(data), 8, "x.rec")


def test_a_record_that_is_too_long_is_refused():
    class Long(bytes):
        def __len__(self):
            return MAX_LENGTH + 1

    with pytest.raises(RecordError, match="536870912 bytes: expected at most 536870911"):
        frame(Long())
