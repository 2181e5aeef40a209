import contextlib
import struct

import hypothesis.extra.numpy as array_strategies
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.feature_file import (
    MAX_DIMENSION,
    feature_bytes,
    feature_content,
    read_feature,
    read_matrix,
    write_feature,
)
from insightrec.recordio_tools.errors import FeatureError

GOLDEN = bytes.fromhex("03000000 01000000 04000000 050000000000803f 000000c0 0000003f")  # 1, -2, 0.5


@pytest.fixture
def read(tmp_path):
    def read(data, reader=read_feature):
        (tmp_path / "x.bin").write_bytes(data)
        return reader(tmp_path / "x.bin")

    return read


def pack(rows, cols, step, kind, numbers, dtype="<f4"):
    return struct.pack("<4i", rows, cols, step, kind) + np.array(numbers, dtype).tobytes()


def test_golden_bytes(tmp_path):
    write_feature(tmp_path / "a" / "b" / "x.bin", [1, -2, 0.5])
    assert (tmp_path / "a" / "b" / "x.bin").read_bytes() == GOLDEN
    feature = read_feature(tmp_path / "a" / "b" / "x.bin")
    assert (feature.dtype, feature.tolist()) == (np.float32, [1, -2, 0.5])


@pytest.mark.parametrize(
    "data",
    [
        pack(3, 1, 4, 5, [1, -2, 0.5]),
        pack(1, 3, 12, 5, [1, -2, 0.5]),
        pack(3, 1, 8, 6, [1, -2, 0.5], "<f8"),
        pack(1, 3, 24, 6, [1, -2, 0.5], "<f8"),
        pack(3, 1, 4, 0x42FF4005, [1, -2, 0.5]),  # OpenCV's flags above the type
    ],
    ids=["column", "row", "float64 column", "float64 row", "with OpenCV's flags"],
)
def test_columns_rows_and_both_types(read, data):
    feature = read(data)
    assert (feature.dtype, feature.tolist()) == (np.float32, [1, -2, 0.5])


def test_float64_is_rounded_to_float32(read):
    assert read(pack(1, 1, 8, 6, [0.1], "<f8"))[0] == np.float32(0.1)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "header of 16 bytes, found 0"),
        (GOLDEN[:15], "header of 16 bytes, found 15"),
        (GOLDEN[:16], "expected 28 bytes, found 16; it is cut off"),
        (GOLDEN[:-1], "expected 28 bytes, found 27; it is cut off"),
        (GOLDEN + b"\0", "expected 28 bytes, found 29; it is longer than its header says"),
        (pack(2, 1, 4, 6, [1, 2], "<f8"), r"8 bytes a row of 1 float64, found step 4 \(matio.py's float64"),
        (pack(2, 1, 0, 5, [1, 2]), "4 bytes a row of 1 float32, found step 0; "),
        (pack(1, 2, 4, 5, [1, 2]), "8 bytes a row of 2 float32, found step 4; "),
        (pack(2, 1, 4, 7, [1, 2]), r"type 5 \(float32\) or 6 \(float64\), found 7"),
        (pack(2, 1, 4, 5 + 8, [1, 2]), "found 13"),  # two channels
        (pack(0, 1, 4, 5, []), "at least 1 row and 1 column, found 0 and 1"),
        (pack(1, -1, -4, 5, [1]), "found 1 and -1"),
        (pack(2, 2, 8, 5, [1, 2, 3, 4]), "found 2 rows and 2 columns"),
        (pack(MAX_DIMENSION + 1, 1, 4, 5, [1]), f"found {MAX_DIMENSION + 1} rows"),
        (pack(2**31 - 1, 1, 4, 5, [1]), "found 2147483647 rows"),
        (pack(3, 1, 4, 5, [1, np.nan, 2]), "number 1: expected a finite number, found nan"),
        (pack(3, 1, 4, 5, [1, 2, -np.inf]), "number 2: expected a finite number, found -inf"),
        (pack(1, 1, 8, 6, [1e300], "<f8"), "number 0: expected a finite number, found inf"),
    ],
)
def test_what_is_wrong_is_named(read, data, found):
    with pytest.raises(FeatureError, match=rf"x\.bin: .*{found}") as raised:
        read(data)
    assert "\n" not in str(raised.value)


def test_no_such_file(tmp_path):
    with pytest.raises(FeatureError, match=r"x\.bin: expected a feature file, found: No such file"):
        read_feature(tmp_path / "x.bin")
    with pytest.raises(FeatureError, match="Is a directory"):
        read_feature(tmp_path)
    with pytest.raises(FeatureError, match="No such file"):
        read_matrix(tmp_path / "x.bin")


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "x.bin", "wb") as file:
        file.write(GOLDEN)
        file.truncate(1 << 40)
    with pytest.raises(FeatureError, match="expected 28 bytes, found more than 131088"):
        read_feature(tmp_path / "x.bin")


@given(array_strategies.arrays("<f4", st.integers(1, 40), elements=st.floats(width=32, allow_nan=False)))
def test_any_finite_vector_comes_back_bit_for_bit(tmp_path_factory, vector):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    if np.isfinite(vector).all():
        write_feature(path, vector)
        assert read_feature(path).tobytes() == vector.tobytes()
        assert path.stat().st_size == feature_bytes(len(vector))[0]
    else:
        with pytest.raises(FeatureError, match="expected a finite number"):
            write_feature(path, vector)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.bin"
    path.write_bytes(data)
    for reader in (read_feature, read_matrix):
        with contextlib.suppress(FeatureError):
            reader(path)


@pytest.mark.parametrize("shape", [(0,), (2, 2), (MAX_DIMENSION + 1,)])
def test_only_vectors_are_written(shape):
    with pytest.raises(FeatureError, match="x: expected a vector"):
        feature_content("x", np.zeros(shape))


def test_a_matrix_is_rows_of_probes(tmp_path):
    scores = np.arange(15, dtype=np.float32).reshape(5, 3)
    (tmp_path / "scores.bin").write_bytes(struct.pack("<4i", 5, 3, 12, 5) + scores.tobytes())
    matrix = read_matrix(tmp_path / "scores.bin")
    assert isinstance(matrix, np.memmap)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, scores)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1


def test_a_matrix_that_is_cut_off(read):
    with pytest.raises(FeatureError, match="expected 4000000000016 bytes, found 20; it is cut off"):
        read(pack(1000000, 1000000, 4000000, 5, [1]), read_matrix)
