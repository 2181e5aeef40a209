import os
import pickle

import numpy as np
import pytest

from insightrec.megaface.feature_file import write_feature
from insightrec.megaface.feature_source import FeatureFiles, PackedFeatures, open_source
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.template_list import TemplateList, write_template_list
from insightrec.recordio_tools.errors import FeatureError

ROWS = np.random.default_rng(0).standard_normal((100, 5)).astype(np.float32)
PATHS = [f"p{i % 7}/{i}.jpg" for i in range(100)]


@pytest.fixture
def root(tmp_path):
    for path, row in zip(PATHS, ROWS):
        write_feature(tmp_path / "files" / f"{path}_m.bin", row)
    return tmp_path / "files"


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path / "packed", ROWS, PATHS, 5)
    return tmp_path / "packed"


@pytest.fixture(params=["files", "packed"])
def source(request, root, store):
    return open_source(root if request.param == "files" else store, PATHS, "_m.bin", threads=3)


def test_rows_come_in_the_order_of_the_list(source):
    assert (len(source), source.dimension, source.paths) == (100, 5, PATHS)
    source.check()
    for again in (source, pickle.loads(pickle.dumps(source))):
        rows = again.read(10, 97)
        assert rows.dtype == np.float32
        assert rows.flags.c_contiguous
        np.testing.assert_array_equal(rows, ROWS[10:97])
        np.testing.assert_array_equal(again.take([5, 99, 5, 0]), ROWS[[5, 99, 5, 0]])
        np.testing.assert_array_equal(again.take(np.array([3, 4])), ROWS[3:5])
        assert again.read(4, 4).shape == (0, 5)


def test_a_part_of_a_store_in_another_order(store):
    order = np.random.default_rng(1).permutation(100)[:60]
    source = PackedFeatures(store, [PATHS[i] for i in order])
    np.testing.assert_array_equal(source.read(0, 60), ROWS[order])
    np.testing.assert_array_equal(source.take([7, 3]), ROWS[order[[7, 3]]])
    assert PackedFeatures(store).paths == PATHS


def test_missing_and_other_files_are_counted_and_the_first_named(root):
    for path in PATHS[20:27]:
        (root / f"{path}_m.bin").unlink()
    (root / f"{PATHS[30]}_m.bin").unlink()
    (root / f"{PATHS[30]}_m.bin").mkdir()
    write_feature(root / f"{PATHS[40]}_m.bin", ROWS[0, :4])
    with pytest.raises(
        FeatureError, match=r"8 missing: \S*p6/20.jpg_m.bin, .* and 3 more; 1 of another size"
    ) as raised:
        FeatureFiles(root, PATHS, "_m.bin").check()
    assert f"{PATHS[40]}_m.bin (32 bytes)" in str(raised.value)
    assert f"{PATHS[24]}_m.bin and 3 more" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_all_files_are_missing(root):
    with pytest.raises(FeatureError, match="expected 100 feature files of one size, found 100 missing"):
        FeatureFiles(root, PATHS, "_other.bin").check()


def test_a_file_of_another_dimension_or_with_nan(root):
    write_feature(root / f"{PATHS[40]}_m.bin", np.ones(10))  # its size is that of 5 numbers in float64 less 4 bytes
    source = FeatureFiles(root, PATHS, "_m.bin")
    with pytest.raises(FeatureError, match=r"40.jpg_m.bin: expected 5 numbers as in \S*0.jpg_m.bin, found 10"):
        source.read(0, 100)
    np.testing.assert_array_equal(source.read(41, 100), ROWS[41:])
    data = (root / f"{PATHS[3]}_m.bin").read_bytes()
    (root / f"{PATHS[3]}_m.bin").write_bytes(data[:-4] + np.float32(np.nan).tobytes())
    with pytest.raises(FeatureError, match=r"3.jpg_m.bin: number 4: .*found nan"):
        source.read(0, 10)


@pytest.mark.parametrize("first", [0, 3])
def test_damaged_files_of_a_block_are_counted_and_the_first_named(root, first):
    for number in range(first, first + 7):
        file = root / f"{PATHS[number]}_m.bin"
        file.write_bytes(file.read_bytes()[:-4] + np.float32(np.nan).tobytes())
    write_feature(root / f"{PATHS[50]}_m.bin", np.ones(10))
    source = FeatureFiles(root, PATHS, "_m.bin")
    with pytest.raises(FeatureError) as raised:
        source.read(0, 40)
    message = str(raised.value)
    assert message.startswith(f"{root}: 7 feature files among 40 are damaged: ")
    assert message.count("number 4: expected a finite number, found nan") == 5
    assert f"{PATHS[first + 4]}_m.bin" in message
    assert f"{PATHS[first + 5]}_m.bin" not in message
    assert message.endswith("; and 2 more")
    if first:
        with pytest.raises(FeatureError, match=r"8 feature files among 100 are damaged"):
            source.read(0, 100)
        np.testing.assert_array_equal(source.read(10, 50), ROWS[10:50])


def changed_time(path, nanoseconds=1):
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + nanoseconds))


def test_the_stamp_of_files_tells_any_change(root, monkeypatch):
    def stamp(paths=PATHS, threads=3):
        return FeatureFiles(root, paths, "_m.bin", threads=threads).stamp()

    stamps = [stamp(), stamp(PATHS[::-1]), stamp(PATHS[:-1])]
    assert len(stamps[0]) == 64
    assert stamp() == stamp(threads=1) == stamps[0]
    monkeypatch.setattr("insightrec.megaface.feature_source._STAMPED", 7)
    assert stamp() == stamps[0]
    changed_time(root / f"{PATHS[50]}_m.bin")
    stamps.append(stamp())
    status = os.stat(root / f"{PATHS[60]}_m.bin")
    write_feature(root / f"{PATHS[60]}_m.bin", np.ones(6))
    os.utime(root / f"{PATHS[60]}_m.bin", ns=(status.st_atime_ns, status.st_mtime_ns))
    stamps.append(stamp())
    (root / f"{PATHS[70]}_m.bin").unlink()
    stamps.append(stamp())
    assert len(set(stamps)) == len(stamps)
    root.rename(root.with_name("moved"))
    assert FeatureFiles(root.with_name("moved"), PATHS, "_m.bin").stamp() == stamps[-1]


def test_the_stamp_of_a_store_tells_any_change(store):
    stamps = [PackedFeatures(store, paths).stamp() for paths in (None, PATHS[::-1], PATHS[1:])]
    assert len(stamps[0]) == 64
    assert PackedFeatures(store, PATHS).stamp() == stamps[0]
    for ending in (".npy", ".json"):
        changed_time(f"{store}{ending}")
        stamps.append(PackedFeatures(store).stamp())
    assert len(set(stamps)) == len(stamps)


def test_rows_that_a_store_has_not(store):
    with pytest.raises(
        FeatureError, match=r"packed.npy: expected 107 listed features, found 7 missing: a0, a1, a2, a3, a4 and 2"
    ):
        PackedFeatures(store, PATHS + [f"a{i}" for i in range(7)])


def test_a_path_that_a_store_has_twice(store):
    templates = TemplateList([PATHS[0], *PATHS[:-1]])
    write_template_list(f"{store}.json", templates, overwrite=True)
    assert PackedFeatures(store).read(0, 100).shape == (100, 5)
    with pytest.raises(FeatureError, match="expected a row for each path, found 1 paths again"):
        PackedFeatures(store, PATHS[:5])


def test_nan_in_a_store_is_named(store):
    with open(f"{store}.npy", "r+b") as file:
        file.seek(128 + 4 * (5 * 12 + 2))
        file.write(np.float32(np.inf).tobytes())
    source = PackedFeatures(store, PATHS[::-1])
    with pytest.raises(FeatureError, match=r"packed.npy: p5/12.jpg: number 2: .*found inf"):
        source.read(80, 100)
    np.testing.assert_array_equal(source.read(0, 80), ROWS[::-1][:80])


def test_the_matrix_of_a_store_is_its_path_too(store):
    np.testing.assert_array_equal(open_source(f"{store}.npy", PATHS).read(0, 100), ROWS)


def test_a_folder_beside_a_store_is_taken_with_a_warning(store):
    write_feature(store / "p0/0.jpg_m.bin", ROWS[7])
    with pytest.warns(UserWarning, match=r"packed: found a folder and a packed store .* the folder's files are taken"):
        source = open_source(store, PATHS[:1], "_m.bin")
    np.testing.assert_array_equal(source.read(0, 1), ROWS[7:8])
    np.testing.assert_array_equal(open_source(f"{store}.npy", PATHS[:1]).read(0, 1), ROWS[:1])


def test_neither_files_nor_store(tmp_path, root):
    with pytest.raises(FeatureError, match="expected a folder of features or a packed store, found neither"):
        open_source(tmp_path / "absent", PATHS, "_m.bin")
    with pytest.raises(FeatureError, match="give --file-ending"):
        open_source(root, PATHS)
