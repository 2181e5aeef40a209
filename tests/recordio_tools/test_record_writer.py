import numpy as np
import pytest

from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.record_file import IndexedRecordFile
from insightrec.recordio_tools.record_framing import MAGIC_WORD
from insightrec.recordio_tools.record_label import pack_label, unpack_label
from insightrec.recordio_tools.record_writer import create_record_file


def random_records(seed):
    """Labels and images that meet every branch of the format: magic words at any offset, empties, vectors."""
    rng = np.random.default_rng(seed)
    for key in rng.permutation(40).tolist():
        pieces = [
            MAGIC_WORD if rng.random() < 0.4 else rng.bytes(int(rng.integers(0, 9)))
            for _ in range(int(rng.integers(0, 8)))
        ]
        label = [float(rng.normal()), int(rng.integers(0, 9)), rng.normal(size=rng.integers(0, 4)), [3.0]][
            rng.integers(4)
        ]
        # 0.0 written as the magic number's bytes: a label may hold an aligned magic word too.
        if rng.random() < 0.2:
            label = np.frombuffer(MAGIC_WORD * 2, np.float32)
        yield key, label, b"".join(pieces)


@pytest.mark.mxnet
@pytest.mark.parametrize("seed", range(12))
def test_bytes_are_those_of_mxnet(tmp_path, mx, seed):
    theirs = mx.recordio.MXIndexedRecordIO(str(tmp_path / "mx.idx"), str(tmp_path / "mx.rec"), "w")
    with create_record_file(tmp_path / "our.rec") as ours:
        for key, label, image in random_records(seed):
            theirs.write_idx(key, mx.recordio.pack(mx.recordio.IRHeader(0, label, key, 5), image))
            ours.write(key, pack_label(label, image, id=key, id2=5))
    theirs.close()
    for suffix in (".rec", ".idx"):
        assert (tmp_path / f"our{suffix}").read_bytes() == (tmp_path / f"mx{suffix}").read_bytes()
    theirs = mx.recordio.MXIndexedRecordIO(str(tmp_path / "our.idx"), str(tmp_path / "our.rec"), "r")
    records = IndexedRecordFile(tmp_path / "mx.rec")
    for key, _, image in random_records(seed):
        header, data = mx.recordio.unpack(theirs.read_idx(key))
        label, found = unpack_label(records.read(key), "mx.rec")
        assert data == bytes(found) == image
        np.testing.assert_array_equal(header.label, label)
        assert (header.id, header.id2) == (key, 5)


def test_refuses_to_overwrite(tmp_path):
    (tmp_path / "x.idx").write_text("kept")
    with pytest.raises(OutputError, match=r"x\.idx: exists already"), create_record_file(tmp_path / "x.rec"):
        pass
    assert (tmp_path / "x.idx").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["x.idx"]
