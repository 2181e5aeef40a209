import numpy as np
import pytest

from insightrec.megaface.feature_file import read_feature
from insightrec.megaface.feature_writer import FileWriter, write_features
from insightrec.megaface.packed_store import StoreWriter
from insightrec.recordio_tools.errors import FeatureError, OutputError

ROWS = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
PATHS = [f"a{i % 2}/{i}.jpg" for i in range(10)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("insightrec.megaface.feature_writer._BLOCK", 3)


def read(start, stop):
    return ROWS[start:stop]


def interrupted(start, stop):
    if start >= 6:
        raise KeyboardInterrupt
    return ROWS[start:stop]


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_files(tmp_path):
    write_features(FileWriter(tmp_path / "out", "_m.bin"), PATHS, read)
    for path, row in zip(PATHS, ROWS):
        np.testing.assert_array_equal(read_feature(tmp_path / "out" / f"{path}_m.bin"), row)
    assert len(tree(tmp_path / "out")) == 10


def test_files_of_a_run_that_stopped_stay(tmp_path):
    write_features(FileWriter(tmp_path / "straight", "_m.bin"), PATHS, read)
    with pytest.raises(KeyboardInterrupt):
        write_features(FileWriter(tmp_path / "out", "_m.bin"), PATHS, interrupted)
    first, second, third = (tmp_path / "out" / f"{path}_m.bin" for path in PATHS[:3])
    second.write_bytes(b"half")
    third.unlink()
    kept = first.stat().st_ino
    with pytest.raises(OutputError, match="out: expected an empty or new folder"):
        write_features(FileWriter(tmp_path / "out", "_m.bin"), PATHS, read)
    write_features(FileWriter(tmp_path / "out", "_m.bin", resume=True), PATHS, read)
    assert tree(tmp_path / "out") == tree(tmp_path / "straight")
    assert first.stat().st_ino == kept
    write_features(FileWriter(tmp_path / "out", "_m.bin", overwrite=True), PATHS, read)
    assert tree(tmp_path / "out") == tree(tmp_path / "straight")
    assert first.stat().st_ino != kept


def test_files_of_another_source_are_not_continued(tmp_path):
    def write(root="out", source="one", **options):
        write_features(FileWriter(tmp_path / root, "_m.bin", source=source, **options), PATHS, read)

    write()
    assert (tmp_path / "out_origin.json").read_text() == "one"
    write(resume=True)
    with pytest.raises(OutputError, match=r"out_origin.json: expected features of two, found one; give the options"):
        write(source="two", resume=True)
    write(source="two", overwrite=True)
    write(source="two", resume=True)
    (tmp_path / "out_origin.json").unlink()
    with pytest.raises(OutputError, match="found no such file"):
        write(source="two", resume=True)
    write("new", resume=True)
    assert (tmp_path / "new_origin.json").read_text() == "one"


def test_a_store_goes_on_where_it_stopped(tmp_path):
    starts = []

    def remembered(start, stop):
        starts.append(start)
        return ROWS[start:stop]

    write_features(StoreWriter(tmp_path / "straight", 4), PATHS, read, ids=PATHS)
    with pytest.raises(KeyboardInterrupt):
        write_features(StoreWriter(tmp_path / "out", 4), PATHS, interrupted, ids=PATHS)
    with pytest.raises(OutputError, match="whose first 6 paths are those of this list, found others"):
        write_features(StoreWriter(tmp_path / "out", 4, resume=True), PATHS[::-1], read)
    write_features(StoreWriter(tmp_path / "out", 4, resume=True), PATHS, remembered, ids=PATHS)
    assert starts == [6, 9]
    for ending in (".npy", ".json"):
        assert (tmp_path / f"out{ending}").read_bytes() == (tmp_path / f"straight{ending}").read_bytes()


def test_nan_is_not_written(tmp_path):
    with pytest.raises(FeatureError, match=r"1.jpg_m.bin: number 0: .*found nan"):
        write_features(FileWriter(tmp_path, "_m.bin"), PATHS[:2], lambda start, stop: [[1.0], [np.nan]])
