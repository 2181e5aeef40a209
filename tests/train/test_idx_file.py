import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from insightrec.recordio_tools.errors import RecordError
from insightrec.train import idx_file
from insightrec.train.idx_file import read_idx

GOLDEN = bytes.fromhex("00000803 00000002 00000001 00000003 010203fdfeff")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "train-images-idx3-ubyte"


@pytest.mark.parametrize("store", [bytes, gzip.compress])
def test_golden_bytes(path, store):
    path.write_bytes(store(GOLDEN))
    array = read_idx(path, 3)
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 2, 3]], [[253, 254, 255]]]


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3)), st.sampled_from([bytes, gzip.compress]))
def test_any_array_comes_back(path, array, store):
    path.write_bytes(
        store(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())
    )
    np.testing.assert_array_equal(read_idx(path, array.ndim), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "byte 0: expected 0x00000803.* found 0x;"),
        (b"\0\0\x08\x01" + GOLDEN[4:], "byte 0: expected 0x00000803.* found 0x00000801"),
        (b"\0\0\x0d\x03" + GOLDEN[4:], "found 0x00000d03"),
        (GOLDEN[:15], "expected 3 sizes, found the end of the file"),
        (GOLDEN[:-1], r"expected 6 bytes for the shape \(2, 1, 3\), found 5"),
        (GOLDEN + b"\0", "expected 6 bytes .* found more"),
        (GOLDEN[:4] + b"\xff" * 12, r"found the shape \(4294967295, 4294967295, 4294967295\)"),
        (GOLDEN[:4] + bytes(12), r"expected 1 to \d+ bytes, found the shape \(0, 0, 0\)"),
        (gzip.compress(GOLDEN)[:-9], "expected gzip data, found it damaged"),
        (gzip.compress(GOLDEN)[:-6] + bytes(6), "expected gzip data, found it damaged"),
        (b"\x1f\x8b" + b"\xff" * 30, "expected gzip data, found it damaged"),
    ],
)
def test_a_bad_file_is_one_line(path, content, message):
    path.write_bytes(content)
    with pytest.raises(RecordError, match=f"train-images-idx3-ubyte: .*{message}") as raised:
        read_idx(path, 3)
    assert "\n" not in str(raised.value)


@given(st.data())
def test_whatever_is_changed_the_file_is_read_or_refused(path, data):
    content = bytearray(data.draw(st.sampled_from([GOLDEN, gzip.compress(GOLDEN, mtime=0)])))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        array = read_idx(path, 3)
    except RecordError:
        return
    assert array.ndim == 3


def test_a_small_file_cannot_claim_all_memory(path, monkeypatch):
    monkeypatch.setattr(idx_file, "MAX_BYTES", 1000)
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 1001) + bytes(1001)))
    with pytest.raises(RecordError, match="expected 1 to 1000 bytes"):
        read_idx(path, 1)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(RecordError, match="expected an idx file, found none"):
        read_idx(tmp_path / "absent", 1)
    with pytest.raises(RecordError, match="found no regular file"):
        read_idx(tmp_path, 1)
