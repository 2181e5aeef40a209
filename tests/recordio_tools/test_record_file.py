import multiprocessing
import pickle
import threading

import pytest

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.record_file import IndexedRecordFile, RecordFile
from insightrec.recordio_tools.record_framing import MAGIC_WORD
from insightrec.recordio_tools.record_writer import create_record_file

PAYLOADS = {1: b"one", 7: b"", 3: b"abcd" + MAGIC_WORD + b"e", 0: bytes(1000)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.rec"
    with create_record_file(path) as writer:
        for key, payload in PAYLOADS.items():
            writer.write(key, payload)
    return path


def test_reads_by_key_and_in_sequence(path):
    records = IndexedRecordFile(path)
    assert {key: bytes(records.read(key)) for key in PAYLOADS} == PAYLOADS
    assert [bytes(payload) for _, payload in records.scan()] == list(PAYLOADS.values())
    assert [offset for offset, _ in records.scan()] == records.index.offsets.tolist()
    assert [bytes(records.read_at(offset)) for offset in records.index.offsets.tolist()] == list(PAYLOADS.values())


def test_payloads_are_views_that_outlive_the_reader(path):
    records = IndexedRecordFile(path)
    view = records.read(0)
    assert isinstance(view, memoryview)
    assert view.readonly
    del records
    assert bytes(view) == PAYLOADS[0]


def test_pickled_to_a_worker(path):
    records = IndexedRecordFile(path)
    assert bytes(pickle.loads(pickle.dumps(records)).read(3)) == PAYLOADS[3]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_read, (records, 1)) == PAYLOADS[1]


def test_used_after_fork(path):
    records = IndexedRecordFile(path)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.starmap(_read, [(records, key) for key in PAYLOADS]) == list(PAYLOADS.values())


def test_threads_share_one_reader(path):
    records, wrong = IndexedRecordFile(path), []

    def work():
        wrong.extend(key for key in list(PAYLOADS) * 500 if bytes(records.read(key)) != PAYLOADS[key])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_truncated_file_is_named_with_the_place(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    records = IndexedRecordFile(path)
    with pytest.raises(RecordError, match=r"x\.rec: byte 44: expected a record of 1000 bytes, found 500; .*cut short"):
        records.read(0)
    with pytest.raises(RecordError, match="byte 44"):
        list(records.scan())


def test_index_past_the_end(path):
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RecordError, match=r"x\.idx: offset 44 lies past the end of x\.rec \(40 bytes\)"):
        IndexedRecordFile(path)


@pytest.mark.parametrize(("content", "message"), [(None, "found none"), (b"", "found an empty file")])
def test_no_records(tmp_path, content, message):
    path = tmp_path / "x.rec"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=message):
        RecordFile(path)


@pytest.mark.parametrize(("content", "message"), [(None, "expected the index of x.rec"), ("", "found none")])
def test_no_index(path, content, message):
    path.with_suffix(".idx").unlink()
    if content is not None:
        path.with_suffix(".idx").write_text(content)
    with pytest.raises(RecordError, match=message):
        IndexedRecordFile(path)


def _read(records, key):
    return bytes(records.read(key))
