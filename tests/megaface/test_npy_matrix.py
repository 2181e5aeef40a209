import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.megaface.npy_matrix import HEAD_BYTES, NpyMatrix, matrix_head
from insightrec.recordio_tools.errors import FeatureError

ROWS = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    path.write_bytes(matrix_head(*ROWS.shape) + ROWS.tobytes())
    return path


def test_numpy_reads_what_is_written(path):
    np.testing.assert_array_equal(np.load(path), ROWS)


@pytest.mark.parametrize("shape", [(1, 1), (10**12, 65536)])
def test_the_head_has_one_length(shape):
    head = matrix_head(*shape)
    assert len(head) == HEAD_BYTES
    assert head.endswith(b" \n")


def test_what_numpy_writes_is_read(tmp_path):
    np.save(tmp_path / "y.npy", ROWS)
    matrix = NpyMatrix(tmp_path / "y.npy")
    assert matrix.shape == (9, 3)
    np.testing.assert_array_equal(matrix.take(range(9)), ROWS)


@given(st.lists(st.integers(0, 8)))
def test_any_rows_in_any_order(path, rows):
    taken = NpyMatrix(path).take(rows)
    assert taken.dtype == np.float32
    assert taken.flags.c_contiguous
    np.testing.assert_array_equal(taken, ROWS[np.array(rows, int)])


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (ROWS.astype(np.float64), "found float64 of shape"),
        (ROWS.astype(">f4"), "found >f4 of shape"),
        (np.asfortranarray(ROWS), "in Fortran order"),
        (ROWS[0], r"of shape \(3,\)"),
        (ROWS[:0], r"of shape \(0, 3\)"),
        (np.array([{}]), "found object"),
    ],
)
def test_other_arrays(tmp_path, array, found):
    np.save(tmp_path / "y.npy", array)
    with pytest.raises(FeatureError, match=rf"y\.npy: expected a float32 matrix in C order, {found}|{found}"):
        NpyMatrix(tmp_path / "y.npy")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data: b"", "found another head"),
        (lambda data: data[:20], "found another head"),
        (lambda data: b"\x93NUMPY\x02" + data[7:], "found another head"),
        (lambda data: data[:8] + b"\xff\xff" + data[10:], "found another head"),
        (lambda data: data[:10] + b"(" * 118 + data[128:], "found another head"),
        (lambda data: data[:-1], "expected 236 bytes"),
        (lambda data: data + b"\0", "expected 236 bytes"),
    ],
)
def test_damage(path, tmp_path, change, found):
    (tmp_path / "y.npy").write_bytes(change(path.read_bytes()))
    with pytest.raises(FeatureError, match=found):
        NpyMatrix(tmp_path / "y.npy")


def test_missing_and_cut_off_while_open(tmp_path):
    with pytest.raises(FeatureError, match=r"y\.npy: expected a packed store, found: No such file"):
        NpyMatrix(tmp_path / "y.npy")
    np.save(tmp_path / "y.npy", ROWS)
    matrix = NpyMatrix(tmp_path / "y.npy")
    (tmp_path / "y.npy").write_bytes(b"")
    with pytest.raises(FeatureError, match="row 2: expected 24 bytes, found fewer"):
        matrix.take([2, 3])
