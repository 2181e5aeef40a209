"""A record knows the files that were written, and nothing else."""

import json

import pytest

from insightrec.megaface.experiment_record import has_scores, is_as_written, read_record, record_bytes, with_scores


def test_there_and_back(tmp_path):
    scores, other = tmp_path / "s.bin", tmp_path / "t.bin"
    scores.write_bytes(b"abc")
    other.write_bytes(b"abcd")
    (tmp_path / "record.json").write_bytes(record_bytes("mark", "p", {"a.json": b"{}", "b.png": b""}, scores))
    record = read_record(tmp_path / "record.json")
    assert record["fingerprint"] == "mark"
    for name, content, as_written in (("a.json", b"{}", True), ("b.png", b"", True), ("c.json", b"{}", False)):
        assert not is_as_written(record, tmp_path / name)
        (tmp_path / name).write_bytes(content)
        assert is_as_written(record, tmp_path / name) == as_written
    (tmp_path / "a.json").write_bytes(b"{ ")
    assert not is_as_written(record, tmp_path / "a.json")
    assert has_scores(record, scores)
    assert not has_scores(record, other)
    assert has_scores(json.loads(with_scores(record, other)), other)
    scores.unlink()
    assert not has_scores(record, scores)


def test_no_matrix(tmp_path):
    record = json.loads(record_bytes("mark", "p", {}, tmp_path / "absent.bin"))
    assert record == {"fingerprint": "mark", "probes": "p", "score_matrix": None, "sha256": {}}
    assert not has_scores(record, tmp_path / "absent.bin")


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b'{"sha256": 3}', b"[" * 60000, b"\xff"])
def test_what_is_no_record(tmp_path, content):
    if content is not None:
        (tmp_path / "record.json").write_bytes(content)
    assert read_record(tmp_path / "record.json") is None
