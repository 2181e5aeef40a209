import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from insightrec.recordio_tools.errors import ModelError
from insightrec.train.state_file import read_state, read_state_json, write_state

CONTENT = {"step": 7, "rate": 0.1, "best": None, "name": "größe", "list": [1, 2.5, "x"], "big": 2**63}


def state_arrays():
    random = np.random.default_rng(0)
    return {
        "momentum:fc7_weight": random.normal(size=(5, 3)).astype(np.float32),
        "master": random.normal(size=(2, 3, 4)).astype(np.float16),
        "positions": np.arange(6, dtype=np.int64),
        "drawn/with:signs": np.array([True, False]),
        "empty": np.zeros((0, 4), np.float64),
        "scalar": np.array(3, np.uint32),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }


def archive(path, *members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), **options)
    return stream.getvalue()


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "model.state"
    write_state(path, CONTENT, state_arrays())
    content, arrays = read_state(path)
    assert content == read_state_json(path) == CONTENT
    assert list(arrays) == list(state_arrays())
    for name, array in state_arrays().items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@settings(max_examples=50)
@given(
    array=npst.arrays(
        st.one_of(npst.floating_dtypes(), npst.integer_dtypes(), npst.unsigned_integer_dtypes(), npst.boolean_dtypes()),
        npst.array_shapes(min_dims=0, min_side=0),
    )
)
def test_any_numeric_array_keeps_its_bits(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("state") / "a.state"
    write_state(path, {}, {"a": array})
    read = read_state(path)[1]["a"]
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_numpys_own_load_reads_the_arrays(tmp_path):
    path = tmp_path / "model.state"
    write_state(path, CONTENT, state_arrays())
    with np.load(path, allow_pickle=False) as loaded:
        np.testing.assert_array_equal(loaded["momentum:fc7_weight"], state_arrays()["momentum:fc7_weight"])


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "model.state"
    write_state(path, {"step": 1}, state_arrays())
    write_state(path, {"step": 2}, {})
    assert read_state(path) == ({"step": 2}, {})


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="array 'a': expected numbers, found object"):
        write_state(tmp_path / "a.state", {}, {"a": np.array([print])})
    assert list(tmp_path.iterdir()) == []


class Trap:
    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.npy", npy(np.zeros(3)))], "no item named 'state.json'"),
        ([("state.json", "[1]")], "expected an object, found list"),
        ([("state.json", "{")], "damaged"),
        ([("state.json", b"\xff{}")], "damaged"),
        ([("state.json", "[" * 100000)], "damaged"),
        ([("state.json", "{}"), ("a.txt", "x")], "expected members named state.json or NAME.npy, found 'a.txt'"),
        ([("state.json", "{}"), ("a.npy", b"")], "damaged"),
        ([("state.json", "{}"), ("a.npy", b"\x93NUMPY\x01\x00")], "damaged"),
        ([("state.json", "{}"), ("a.npy", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535)], "another head"),
        ([("state.json", "{}"), ("a.npy", npy(np.zeros(3), version=(2, 0)))], "of version 1.0, found another head"),
        ([("state.json", "{}"), ("a.npy", npy(np.zeros(3))[:-1])], r"shape \(3,\), found 23 bytes"),
        ([("state.json", "{}"), ("a.npy", npy(np.zeros(3)).replace(b"(3,)", b"(-3,)"))], "damaged"),
        ([("state.json", "{}"), ("a.npy", npy(np.zeros(3)).replace(b"(3,), }   ", b"(9**9,), }"))], "damaged"),
        (
            [("state.json", "{}"), ("a.npy", npy(np.array([Trap()], object)))],
            "array 'a': expected numbers, found object",
        ),
        ([("state.json", "{}"), ("a.npy", npy(np.zeros(3)).replace(b"(3,), }", b"((3L,, "))], "damaged"),
        ([("state.json", "{}"), ("a.npy", pickle.dumps(Trap()))], "damaged"),
    ],
)
def test_damaged_and_hostile_members_are_one_line(tmp_path, capsys, members, message):
    path = archive(tmp_path / "a.state", *members)
    with pytest.raises(ModelError, match=message) as error:
        read_state(path)
    assert str(path) in str(error.value)
    assert "unpickled" not in capsys.readouterr().out


def test_compressed_members_are_refused_before_they_grow(tmp_path):
    bomb = archive(
        tmp_path / "a.state", ("state.json", "{}"), ("a.npy", bytes(1 << 20)), compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(ModelError, match="a member is compressed"):
        read_state(bomb)


def test_members_that_share_bytes_are_refused(tmp_path):
    path = archive(tmp_path / "a.state", ("state.json", json.dumps({"a": "x" * 10000})), ("b.npy", bytes(60)))
    raw = bytearray(path.read_bytes())
    directory = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", directory + 4)
    raw[second + 20 : second + 28] = raw[directory + 20 : directory + 28]  # the sizes of the first member
    path.write_bytes(raw)
    with pytest.raises(ModelError, match="larger than the file"):
        read_state(path)


@pytest.mark.parametrize("content", [b"", b"no zip", bytes(100)])
def test_other_files_are_one_line(tmp_path, content):
    path = tmp_path / "a.state"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="a.state: damaged, or no training state"):
        read_state_json(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ModelError, match="cannot be read .No such file"):
        read_state(tmp_path / "a.state")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "a.state"
    write_state(path, CONTENT, state_arrays())
    return path.read_bytes()


@settings(max_examples=300)
@given(data=st.data())
def test_a_changed_byte_is_found_or_harmless(tmp_path_factory, good, data):
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.state"
    path.write_bytes(raw)
    try:
        content, arrays = read_state(path)
    except ModelError as error:
        assert str(path) in str(error)
    else:
        assert content == CONTENT
        wanted = [array.tobytes() for array in state_arrays().values()]
        assert all(array.tobytes() in wanted for array in arrays.values())


@settings(max_examples=50)
@given(data=st.data())
def test_a_file_cut_short_is_found(tmp_path_factory, good, data):
    path = tmp_path_factory.getbasetemp() / "cut.state"
    path.write_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(ModelError):
        read_state(path)
