import contextlib
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from insightrec.deploy.params_file import DTYPES, Params, read_params, write_params
from insightrec.recordio_tools.errors import ModelError, OutputError

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)
CPU_FLOAT = struct.pack("<3i", 1, 0, 0)
# One file, written out: two arrays, float32 (2, 1) and int8 (3,).
GOLDEN = bytes.fromhex(
    "1201000000000000 0000000000000000 0200000000000000"
    "c9fa93f9 00000000 02000000 0200000000000000 0100000000000000 01000000 00000000 00000000 0000803f 000000c0"
    "c9fa93f9 00000000 01000000 0300000000000000 01000000 00000000 05000000 01ff7f"
    "0200000000000000"
    "0500000000000000 6172673a77 0500000000000000 6175783a6d"
)
GOLDEN_ARRAYS = {"arg:w": np.array([[1], [-2]], np.float32), "aux:m": np.array([1, -1, 127], np.int8)}


def listed(*bodies, names=(b"arg:x",)):
    """A whole file of these array bodies."""
    named = b"".join(struct.pack("<Q", len(name)) + name for name in names)
    return struct.pack("<QQQ", 0x112, 0, len(bodies)) + b"".join(bodies) + struct.pack("<Q", len(names)) + named


@pytest.fixture
def read(tmp_path):
    def read_bytes(data):
        path = tmp_path / "m.params"
        path.write_bytes(data)
        return read_params(path)

    return read_bytes


@pytest.fixture
def refused(read):
    """The message with which a file of these bytes is refused."""

    def message(data):
        with pytest.raises(ModelError) as raised:
            read(data)
        return str(raised.value)

    return message


def test_golden_bytes(tmp_path, read):
    params = read(GOLDEN)
    assert list(params.arrays) == ["arg:w", "aux:m"]
    for name, array in GOLDEN_ARRAYS.items():
        np.testing.assert_array_equal(params.arrays[name], array)
        assert params.arrays[name].dtype == array.dtype
    write_params(tmp_path / "again.params", GOLDEN_ARRAYS)
    assert (tmp_path / "again.params").read_bytes() == GOLDEN


def test_arg_and_aux_by_bare_name():
    params = Params({"aux:v": 1, "arg:b": 2, "arg:a": 3, "plain": 4})
    assert list(params.arg.items()) == [("b", 2), ("a", 3)]
    assert params.aux == {"v": 1}


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 2, 3),
        struct.pack("<Iii2q", 0xF993FACA, 0, 2, 2, 3),
        struct.pack("<Ii2q", 0xF993FAC8, 2, 2, 3),
        struct.pack("<I2I", 2, 2, 3),
    ],
    ids=["V2", "V3", "V1", "oldest"],
)
def test_every_version(read, body):
    np.testing.assert_array_equal(read(listed(body + CPU_FLOAT + ARRAY.tobytes())).arg["x"], ARRAY)


def test_a_scalar_of_numpy_shape_rules(read):
    body = struct.pack("<Iii", 0xF993FACA, 0, 0) + CPU_FLOAT + np.float32(7).tobytes()
    assert read(listed(body)).arg["x"].shape == ()


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("<Iii", 0xF993FAC9, 0, 0),
        struct.pack("<Iii", 0xF993FACA, 0, -1),
        struct.pack("<Ii", 0xF993FAC8, 0),
        struct.pack("<I", 0),
    ],
    ids=["V2", "V3", "V1", "oldest"],
)
def test_an_empty_array_ends_after_its_dimensions(read, body):
    after = struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 2, 3) + CPU_FLOAT + ARRAY.tobytes()
    params = read(listed(body, after, names=(b"arg:x", b"arg:y")))
    assert params.arg["x"].shape == (0,)
    np.testing.assert_array_equal(params.arg["y"], ARRAY)


NAMES = st.text(max_size=12).map(lambda text: f"arg:{text}")
SHAPES = arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=4) | st.just((0,))
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: SHAPES.flatmap(lambda shape: arrays_of.arrays(dtype, shape)))
FILES = st.dictionaries(NAMES, ARRAYS, max_size=5)


@given(FILES)
@settings(max_examples=60, deadline=None)
def test_write_read_write(tmp_path_factory, arrays):
    folder = tmp_path_factory.mktemp("params")
    write_params(folder / "a.params", arrays)
    found = read_params(folder / "a.params").arrays
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array if array.size else np.empty(0, np.float32))
    write_params(folder / "b.params", found)
    if all(array.size for array in arrays.values()):
        assert (folder / "a.params").read_bytes() == (folder / "b.params").read_bytes()


@pytest.mark.mxnet
@given(st.dictionaries(NAMES.filter(str.isprintable), ARRAYS.filter(lambda array: array.size), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_are_mxnets(mx, tmp_path_factory, arrays):
    folder = tmp_path_factory.mktemp("params")
    mx.nd.save(str(folder / "theirs"), {name: mx.nd.array(a, dtype=a.dtype) for name, a in arrays.items()})
    write_params(folder / "ours", arrays)
    assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()
    loaded = mx.nd.load(str(folder / "ours"))
    for name, array in read_params(folder / "theirs").arrays.items():
        np.testing.assert_array_equal(array, arrays[name])
        np.testing.assert_array_equal(array, loaded[name].asnumpy())


@pytest.mark.mxnet
@pytest.mark.parametrize("head", [struct.pack("<Ii2q", 0xF993FAC8, 2, 2, 3), struct.pack("<I2I", 2, 2, 3)])
def test_older_versions_as_mxnet_reads_them(mx, tmp_path, head):
    (tmp_path / "old").write_bytes(listed(head + CPU_FLOAT + ARRAY.tobytes()))
    np.testing.assert_array_equal(mx.nd.load(str(tmp_path / "old"))["arg:x"].asnumpy(), ARRAY)
    np.testing.assert_array_equal(read_params(tmp_path / "old").arg["x"], ARRAY)


@pytest.mark.parametrize("length", range(len(GOLDEN)))
def test_a_file_cut_anywhere_is_refused(refused, length):
    assert "m.params: byte " in refused(GOLDEN[:length])


@given(st.lists(st.tuples(st.integers(0, len(GOLDEN) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_changed_bytes_never_cost_memory_or_another_error(tmp_path_factory, changes):
    data = bytearray(GOLDEN)
    for position, value in changes:
        data[position] = value
    path = tmp_path_factory.getbasetemp() / "changed.params"
    path.write_bytes(data)
    tracemalloc.start()
    with contextlib.suppress(ModelError):
        read_params(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


BODY = struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 2, 3) + CPU_FLOAT + ARRAY.tobytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"\x89PNG\r\n\x1a\n" + bytes(40),
            "byte 0: list header: expected the words 0x112, 0x0, found 0xa1a0a0d474e5089",
        ),
        (struct.pack("<QQQ", 0x112, 0, 1 << 60), "expected room for 1152921504606846976 arrays, found 0 bytes"),
        (listed(struct.pack("<Iii2q", 0xF993FAC9, 1, 2, 2, 3)), "byte 24: array 0 of 1: expected dense storage"),
        (listed(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, -2, 3)), "expected dimensions of 0 and more, found (-2, 3)"),
        (listed(struct.pack("<Iii", 0xF993FAC9, 0, 33) + bytes(400)), "at most 32 dimensions, found the word 0x21"),
        (listed(struct.pack("<I", 0xDEADBEEF) + bytes(400)), "byte 24: array 0 of 1: expected an array of at most 32"),
        (
            listed(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 1 << 40, 1 << 40) + CPU_FLOAT),
            "array 0 of 1: expected 4835703278458516698824704 bytes (elements of a float32 array",
        ),
        (listed(struct.pack("<Iii3q", 0xF993FACA, 0, 3, 0, 1 << 62, 1 << 62) + CPU_FLOAT), "that fits in memory"),
        (
            listed(struct.pack("<Iii2q3i", 0xF993FAC9, 0, 2, 2, 3, 1, 0, 8) + ARRAY.tobytes()),
            "dtype number 0..7, found 8",
        ),
        (listed(BODY, names=()), "names: expected 1 names, one for each array, found 0"),
        (listed(BODY, BODY, names=(b"arg:x", b"arg:x")), "name 1 of 2: name 'arg:x' occurs twice"),
        (listed(BODY, names=(b"arg:\xff",)), "name 0 of 1: expected a name in UTF-8, found 61 72 67 3a ff"),
        (listed(BODY) + b"more", "expected the end of the file, found 4 bytes more"),
        (b"", "byte 0: list header: expected 24 bytes (a header), found 0"),
    ],
)
def test_damage_is_named(refused, data, message):
    assert message in refused(data)


def test_missing_file(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_params(tmp_path / "none.params")


def test_an_existing_file_is_kept(tmp_path):
    write_params(tmp_path / "m.params", GOLDEN_ARRAYS)
    with pytest.raises(OutputError):
        write_params(tmp_path / "m.params", {})
    assert (tmp_path / "m.params").read_bytes() == GOLDEN
    write_params(tmp_path / "m.params", {}, overwrite=True)
    assert read_params(tmp_path / "m.params").arrays == {}


@pytest.mark.parametrize(
    "array", [np.zeros(2, np.complex64), np.zeros(2, np.uint16), np.float32(1), np.zeros((0, 3), np.float32)]
)
def test_what_the_format_cannot_hold(tmp_path, array):
    with pytest.raises(ValueError, match="array 'arg:x'"):
        write_params(tmp_path / "m.params", {"arg:x": array})
    assert list(tmp_path.iterdir()) == []


def test_strided_and_big_endian_arrays(tmp_path):
    array = np.arange(12, dtype=">f4").reshape(3, 4).T
    write_params(tmp_path / "m.params", {"arg:x": array})
    np.testing.assert_array_equal(read_params(tmp_path / "m.params").arg["x"], array)
