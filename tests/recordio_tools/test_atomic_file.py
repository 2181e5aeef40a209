import os
import subprocess
import sys

import pytest

from insightrec.recordio_tools.atomic_file import AtomicFileSet, atomic_write, write_quickly
from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.record_writer import create_record_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_appear_at_the_end(tmp_path):
    paths = [tmp_path / "new" / "a", tmp_path / "new" / "b"]
    with AtomicFileSet(paths) as (a, b):
        a.write(b"1")
        b.write(b"2")
        assert not any(path.exists() for path in paths)
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
    assert names(tmp_path / "new") == ["a", "b"]


def test_an_error_keeps_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path, overwrite=True) as file:
        file.write(b"new")
        1 / 0  # noqa: B018
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_existing_output_is_refused_before_anything_is_opened(tmp_path):
    (tmp_path / "b").write_bytes(b"old")
    with (
        pytest.raises(OutputError, match=r"b: exists already; .*--overwrite"),
        AtomicFileSet([tmp_path / "a", tmp_path / "b"]),
    ):
        pass
    assert names(tmp_path) == ["b"]


def test_a_failure_between_renames_leaves_no_last_file_and_loses_nothing(tmp_path, monkeypatch):
    paths = [tmp_path / "x.rec", tmp_path / "x.idx"]
    for path in paths:
        path.write_bytes(b"old")
    real = os.replace
    calls = []

    def replace_once(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("killed here")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace_once)
    with pytest.raises(OSError, match="killed here"), AtomicFileSet(paths, overwrite=True) as files:
        for file in files:
            file.write(b"new")
    assert calls == paths
    left, record = names(tmp_path)
    assert record == "x.rec"
    assert left.startswith(".x.idx.")
    assert (tmp_path / left).read_bytes() == b"new"


def test_a_folder_in_the_way_keeps_the_old_set(tmp_path):
    (tmp_path / "x.idx").write_bytes(b"old")
    (tmp_path / "x.lst").mkdir()
    paths = [tmp_path / "x.lst", tmp_path / "x.idx"]
    with pytest.raises(OutputError, match=r"x\.lst: expected a file or nothing, found a folder"):
        AtomicFileSet(paths, overwrite=True).__enter__()
    assert names(tmp_path) == ["x.idx", "x.lst"]


def test_an_error_names_the_target_not_the_temporary_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(OutputError, match=r"file/x\.rec: cannot be written \("),
        atomic_write(tmp_path / "file" / "x.rec"),
    ):
        pass


WRITING = """
import sys, time
from insightrec.recordio_tools.record_writer import create_record_file
with create_record_file(sys.argv[1]) as writer:
    for key in range(100000):
        writer.write(key, bytes(1000))
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path):
    """Another process that is writing ``x.rec`` in ``tmp_path``."""
    child = subprocess.Popen([sys.executable, "-c", WRITING, str(tmp_path / "x.rec")], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"written\n"
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def write_set(tmp_path):
    with create_record_file(tmp_path / "x.rec", overwrite=True) as writer:
        writer.write(1, b"one")


def test_a_killed_run_leaves_no_set_and_the_next_cleans_up(tmp_path, writing):
    writing.kill()
    writing.wait()
    left = names(tmp_path)
    assert len(left) == 2
    assert all(name.endswith(".tmp") for name in left)
    write_set(tmp_path)
    assert names(tmp_path) == ["x.idx", "x.rec"]


def test_what_another_run_is_writing_is_left_alone(tmp_path, writing):
    during = names(tmp_path)
    write_set(tmp_path)
    assert names(tmp_path) == sorted([*during, "x.idx", "x.rec"])


def test_a_small_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "face.jpg"
    write_quickly(path, b"old")
    write_quickly(path, b"new")
    assert path.read_bytes() == b"new"

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_quickly(path, b"newer")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["face.jpg"]


def test_a_small_file_may_have_the_longest_name(tmp_path):
    path = tmp_path / ("x" * 251 + ".jpg")
    write_quickly(path, b"face")
    assert path.read_bytes() == b"face"
