import os
import struct
from pathlib import Path

import numpy as np
import pytest

from insightrec.megaface.feature_target import FileTarget, StoreTarget, prepare_target
from insightrec.megaface.packed_store import open_store
from insightrec.recordio_tools.errors import FeatureError, OutputError

PATHS = ["a/1.png", "b.b/2.png"]
ROWS = np.array([[1, 2, 3], [4, 5, 6]])


def targets(folder, name="set"):
    return FileTarget(folder, name, "algo", PATHS, 3), StoreTarget(folder, name, 3)


@pytest.fixture(params=["files", "store"])
def target(request, tmp_path):
    return dict(zip(("files", "store"), targets(tmp_path)))[request.param]


def write(target, paths=PATHS):
    prepare_target(target, b"one")
    with target.open() as writer:
        assert writer.paths == []
        writer.append(paths, ROWS[: len(paths)])


def test_files_of_the_devkit(tmp_path):
    write(targets(tmp_path)[0])
    written = (tmp_path / "set" / "a" / "1.png_algo.bin").read_bytes()
    assert written == struct.pack("<4i3f", 3, 1, 4, 5, 1, 2, 3)
    assert (tmp_path / "set_algo_origin.json").read_bytes() == b"one"


def test_the_store(tmp_path):
    write(targets(tmp_path)[1])
    np.testing.assert_array_equal(np.load(tmp_path / "set.npy"), ROWS)
    assert open_store(tmp_path / "set")[1].paths == PATHS
    assert (tmp_path / "set_origin.json").read_bytes() == b"one"


def test_what_is_there_is_refused_or_continued(target):
    write(target)
    with pytest.raises(OutputError, match=r"set.*: exists already; give --resume .* or --overwrite"):
        prepare_target(target, b"one")
    prepare_target(target, b"one", resume=True)
    with target.open() as writer:
        assert writer.paths == PATHS


def test_a_run_with_other_models_does_not_continue(target):
    write(target)
    with pytest.raises(OutputError, match=r"_origin.json: expected the models, .* of this run, found others"):
        prepare_target(target, b"two", resume=True)
    target.origin_path.unlink()
    with pytest.raises(OutputError, match="found no such file"):
        prepare_target(target, b"one", resume=True)


def test_overwriting_leaves_nothing_of_the_old(target):
    write(target)
    prepare_target(target, b"two", overwrite=True)
    assert list(target.existing()) == []
    assert target.origin_path.read_bytes() == b"two"
    prepare_target(target, b"two", resume=True)  # a run that is killed now and continued finds nothing old
    with target.open() as writer:
        assert writer.paths == []
        writer.append(PATHS, ROWS)


def test_a_run_killed_while_it_removes_is_not_continued(target, monkeypatch):
    write(target)
    remove = os.unlink

    def killed(path, **_):
        remove(path)
        if Path(path) != target.origin_path:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare_target(target, b"two", overwrite=True)
    monkeypatch.undo()
    for origin in (b"one", b"two"):
        with pytest.raises(OutputError, match="found no such file"):
            prepare_target(target, origin, resume=True)


def test_files_cut_short_do_not_count(tmp_path):
    target, _ = targets(tmp_path)
    write(target)
    (tmp_path / "set" / "a" / "1.png_algo.bin").write_bytes(b"\0" * 16)
    assert target.open().paths == PATHS[1:]


@pytest.mark.parametrize("damage", [(0, struct.pack("<i", 9)), (4, struct.pack("<i", 0)), (20, b"\0\0\x80\x7f")])
def test_damaged_files_of_the_right_size_do_not_count(tmp_path, damage):
    target, _ = targets(tmp_path)
    write(target)
    place, data = damage
    with open(tmp_path / "set" / "b.b" / "2.png_algo.bin", "r+b") as file:
        file.seek(place)
        file.write(data)
    assert target.open().paths == PATHS[:1]


def test_files_of_images_that_are_no_longer_listed_are_removed_too(tmp_path):
    write(targets(tmp_path)[0])
    shorter = FileTarget(tmp_path, "set", "algo", PATHS[:1], 3)
    prepare_target(shorter, b"two", overwrite=True)
    assert list(targets(tmp_path)[0].existing()) == []


def test_files_of_another_method_stay(tmp_path):
    write(FileTarget(tmp_path, "set", "my_algo", PATHS, 3))
    write(targets(tmp_path)[0])
    prepare_target(targets(tmp_path)[0], b"two", overwrite=True)
    assert FileTarget(tmp_path, "set", "my_algo", PATHS, 3).open().paths == PATHS
    assert (tmp_path / "set_my_algo_origin.json").read_bytes() == b"one"


def test_a_store_that_was_begun(tmp_path):
    _, store = targets(tmp_path)
    prepare_target(store, b"one")
    with pytest.raises(KeyboardInterrupt), store.open() as writer:
        writer.append(PATHS[:1], ROWS[:1])
        raise KeyboardInterrupt
    with pytest.raises(OutputError, match="exists already"):
        prepare_target(store, b"one")
    prepare_target(store, b"one", resume=True)
    with store.open() as writer:
        assert writer.paths == PATHS[:1]
        writer.append(PATHS[1:], ROWS[1:])
    np.testing.assert_array_equal(np.load(tmp_path / "set.npy"), ROWS)


def test_no_infinite_number_is_written(target):
    prepare_target(target, b"one")
    with pytest.raises(FeatureError, match="expected a finite number"), target.open() as writer:
        writer.append(PATHS[:1], np.full((1, 3), np.inf))
