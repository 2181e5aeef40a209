from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.jpeg_markers import APP1, END, HEAD, SCAN, Segment, segments

BODIES = st.lists(st.sampled_from([b"\xff\xd9", b"\xff\xda", b"\xff\xd8", b"\xff\x00", b"a", b"\x00"]), max_size=8)
SCANS = st.lists(st.sampled_from([b"\xff\x00", b"\xff\xd0", b"\xff\xd7", b"abc", b"\x00", b"\xd9"]), max_size=12)
SEGMENTS = st.lists(
    st.tuples(st.sampled_from([0xE0, APP1, 0xC4, 0xFE, SCAN]), BODIES, SCANS, st.integers(0, 2)), max_size=6
)


def encoded(parts):
    """The bytes of a JPEG's form, and the `Segment` of each of ``parts``: marker, body, scan behind it, fill bytes."""
    jpeg, expected = HEAD, []
    for marker, body, scan, fill in parts:
        body = b"".join(body)
        jpeg += b"\xff" * (1 + fill) + bytes([marker]) + (len(body) + 2).to_bytes(2, "big") + body
        expected.append(Segment(marker, len(jpeg) - len(body), len(jpeg)))
        if marker == SCAN:
            jpeg += b"".join(scan)
    jpeg += END
    return jpeg, [*expected, Segment(END[1], len(jpeg), len(jpeg))]


@given(parts=SEGMENTS, trailer=BODIES)
def test_segments_are_those_written_and_what_follows_is_not_looked_at(parts, trailer):
    jpeg, expected = encoded(parts)
    assert list(segments(jpeg + b"".join(trailer))) == expected


@given(parts=SEGMENTS)
def test_a_jpeg_cut_anywhere_has_no_end(parts):
    jpeg, expected = encoded(parts)
    for keep in range(len(jpeg)):
        found = list(segments(jpeg[:keep]))
        assert found == expected[: len(found)]
        assert len(found) < len(expected)


def test_by_hand():
    jpeg = bytes.fromhex("ffd8 ffe00004ffd9 ffff01 ffda0003aa 12ff0034ffd056 ffd9 ffd9")
    assert list(segments(jpeg)) == [(0xE0, 6, 8), (0x01, 11, 11), (SCAN, 15, 16), (0xD9, 25, 25)]
    for length in ("0000", "0001", "ffff"):  # shorter than itself, beyond the end
        assert list(segments(bytes.fromhex(f"ffd8 ffe0{length}ffd9"))) == []
