from insightrec.recordio_tools.file_stamp import file_stamp


def test_stamps(tmp_path):
    path = tmp_path / "a"
    assert file_stamp(path) is file_stamp("a\0b") is None
    path.write_bytes(b"abc")
    assert file_stamp(path) == [3, path.stat().st_mtime_ns]
