import hashlib

from insightrec.recordio_tools.file_hash import sha256


def test_a_file_larger_than_one_read(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"abc" * 700_000)
    assert sha256(file) == hashlib.sha256(b"abc" * 700_000).hexdigest()
