import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.record_index import RecordIndex

numbers = st.one_of(st.integers(0, 30), st.integers(0, 10**18 - 1))


@given(st.dictionaries(numbers, numbers, max_size=40), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_reads_what_a_dict_reads(tmp_path_factory, table, ends_with_newline, newline):
    path = tmp_path_factory.mktemp("index") / "x.idx"
    text = newline.join(f"{key}\t{offset}" for key, offset in table.items()) + newline * ends_with_newline
    path.write_bytes(text.encode())
    index = RecordIndex.read(path)
    assert dict(zip(index.keys.tolist(), index.offsets.tolist())) == table
    assert list(index.keys) == list(table)
    assert all(index.offset(key) == offset for key, offset in table.items())
    assert index.last_offset == max(table.values(), default=-1)
    for absent in {0, 1, 17, max(table, default=0) + 1, -1} - set(table):
        assert absent not in index
        with pytest.raises(KeyError, match="no record with key"):
            index.offset(absent)


def test_lines_that_span_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("insightrec.recordio_tools.record_index._BLOCK", 7)
    path = tmp_path / "x.idx"
    path.write_text("".join(f"{key}\t{key * 1000}\n" for key in range(100)))
    assert RecordIndex.read(path).offsets.tolist() == list(range(0, 100000, 1000))


@pytest.mark.parametrize(
    "line", ["5", "5\t", "5\tx", "5\t6\t7", "5.0\t6", "-5\t6", "5\t-6", "five\t6", "5\t" + "9" * 19, "5\t1e3"]
)
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "x.idx"
    path.write_text(f"1\t0\n2\t8\n{line}\n4\t32\n")
    with pytest.raises(RecordError, match=r"x\.idx: line 3: expected 'key<TAB>offset', found"):
        RecordIndex.read(path)


@pytest.mark.parametrize("keys", [[1, 2, 3, 2], [1, 10**12, 7, 10**12]])
def test_a_key_that_stands_twice_is_refused(keys):
    with pytest.raises(RecordError, match=rf"x\.idx: line 2: key {keys[1]} stands 2 times"):
        RecordIndex(keys, np.arange(4), "x.idx")


def test_binary_file_is_no_index(tmp_path):
    path = tmp_path / "x.idx"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(RecordError, match="line 1: expected 'key<TAB>offset'"):
        RecordIndex.read(path)
