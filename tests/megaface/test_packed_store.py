import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from insightrec.megaface.packed_store import StoreWriter, open_store, store_files, write_store
from insightrec.recordio_tools.errors import FeatureError, ListError, OutputError

ROWS = np.random.default_rng(0).standard_normal((7, 4)).astype(np.float32)
PATHS = [f"a/{i}.jpg" for i in range(7)]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "folder" / "some.store"


def content(store):
    return [path.read_bytes() for path in store_files(store)]


def names(store):
    return sorted(path.name for path in store.parent.iterdir())


def test_a_store_is_a_matrix_and_a_devkit_list(store):
    write_store(store, ROWS, PATHS, 4, ids=list("aabbccd"))
    np.testing.assert_array_equal(np.load(f"{store}.npy"), ROWS)
    with open(f"{store}.json") as file:
        assert json.load(file) == {"path": PATHS, "id": list("aabbccd")}
    matrix, templates = open_store(store)
    np.testing.assert_array_equal(matrix.take(range(7)), ROWS)
    assert (templates.paths, templates.ids) == (PATHS, list("aabbccd"))
    assert names(store) == ["some.store.json", "some.store.npy"]


def test_rows_and_blocks_give_the_same_bytes(store):
    write_store(store, iter(ROWS), PATHS, 4)
    first = content(store)
    write_store(store, [ROWS[:3].astype(np.float64), ROWS[3], np.asfortranarray(ROWS[4:])], PATHS, 4, overwrite=True)
    assert content(store) == first


@pytest.mark.parametrize(
    ("rows", "paths", "found"),
    [
        (ROWS[:6], PATHS, "expected 7 rows, one a path, found 6"),
        (ROWS, PATHS[:6], r"expected 0 rows of 4 numbers, found shape \(1, 4\)"),
        (ROWS[:, :3], PATHS, r"expected 1 rows of 4 numbers, found shape \(1, 3\)"),
        (ROWS, [*PATHS[:6], PATHS[0]], "expected each path once, found 'a/0.jpg' again"),
        (np.where(ROWS[5, 2] == ROWS, np.nan, ROWS), PATHS, "some.store: a/5.jpg: number 2: .* found nan"),
        ([], [], "at least one feature, found none"),
    ],
)
def test_a_store_is_whole_or_not_there(store, rows, paths, found):
    with pytest.raises(FeatureError, match=found):
        write_store(store, rows, paths, 4)
    assert names(store) == []


def test_paths_stay_below_the_folder(store):
    with pytest.raises(ListError, match="expected a path below"):
        write_store(store, ROWS[:1], ["../x"], 4)


def test_a_failure_leaves_the_old_store(store):
    write_store(store, ROWS, PATHS, 4)
    old = content(store)
    with pytest.raises(OutputError, match="exists already"):
        write_store(store, ROWS, PATHS, 4)
    with pytest.raises(FeatureError):
        write_store(store, -ROWS[:5], PATHS, 4, overwrite=True)
    assert content(store) == old
    assert names(store) == ["some.store.json", "some.store.npy"]


def write(store, rows, paths=PATHS, *, fail=False, **options):
    with StoreWriter(store, rows.shape[1], **options) as writer:
        done = len(writer.paths)
        if paths[done:]:
            writer.append(paths[done:], rows[done:], [path[2] for path in paths[done:]])
        if fail:
            raise KeyboardInterrupt
    return done


def test_a_run_that_stopped_is_continued(store, tmp_path):
    write(tmp_path / "straight", ROWS)
    with pytest.raises(KeyboardInterrupt):
        write(store, ROWS[:3], PATHS[:3], fail=True)
    assert names(store) == ["some.store.json.part", "some.store.npy.part"]
    with pytest.raises(OutputError, match=r"some.store.json.part: an earlier run began this store; give --resume"):
        write(store, ROWS)
    with pytest.raises(OutputError, match=r"features of .*'dimension': 3.*, found .*'dimension': 4"):
        write(store, ROWS[:, :3], resume=True)
    with pytest.raises(OutputError, match="'source': 'another'"):
        write(store, ROWS, resume=True, source="another")
    assert write(store, ROWS, resume=True) == 3
    assert content(store) == content(tmp_path / "straight")
    assert names(store) == ["some.store.json", "some.store.npy"]


def test_a_whole_store_is_not_made_again(store):
    write(store, ROWS, source="model 1")
    before = content(store)
    assert write(store, ROWS, source="model 1", resume=True) == 7
    assert content(store) == before
    with pytest.raises(OutputError, match="expected features of .*model 2.*, found .*model 1"):
        write(store, ROWS, source="model 2", resume=True)
    assert write(store, -ROWS, source="model 2", overwrite=True) == 0
    assert content(store) != before


@pytest.mark.parametrize("ids", [False, True])
def test_rows_are_appended_to_a_whole_store(store, tmp_path, ids):
    persons = [path[2] for path in PATHS]

    def write_part(store, stop, **options):
        with StoreWriter(store, 4, source="model", **options) as writer:
            done = len(writer.paths)
            writer.append(PATHS[done:stop], ROWS[done:stop], persons[done:stop] if ids else None)

    write_part(tmp_path / "straight", len(PATHS))
    write_part(store, 4)
    write_part(store, 5, resume=True)
    write_part(store, len(PATHS), resume=True)
    assert content(store) == content(tmp_path / "straight")
    assert names(store) == ["some.store.json", "some.store.npy"]


@pytest.mark.parametrize("stop", ["unlink", "replace"])
def test_killed_while_a_store_is_taken_apart(store, tmp_path, monkeypatch, stop):
    write(tmp_path / "straight", ROWS)
    write(store, ROWS[:4], PATHS[:4])

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        writer = StoreWriter(store, 4, resume=True)
        with writer:
            patched.setattr(*(("pathlib.Path.unlink", killed) if stop == "unlink" else ("os.replace", killed)))
            writer.append(PATHS[4:], ROWS[4:], [path[2] for path in PATHS[4:]])
    assert write(store, ROWS, resume=True) == 4
    assert content(store) == content(tmp_path / "straight")


def test_a_failed_append_leaves_the_whole_store(store):
    write(store, ROWS)
    before = content(store)
    with pytest.raises(FeatureError, match="found nan"), StoreWriter(store, 4, resume=True) as writer:
        writer.append(["x/1.jpg"], np.full((1, 4), np.nan), ["x"])
    assert content(store) == before


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 5 * 16, 5 * 16 + 3])
@pytest.mark.parametrize("part", ["npy", "json"])
def test_what_a_kill_left_half_is_cut_off(store, tmp_path, part, cut):
    write(tmp_path / "straight", ROWS)
    with pytest.raises(KeyboardInterrupt):
        write(store, ROWS[:6], PATHS[:6], fail=True)
    path = store.with_name(f"{store.name}.{part}.part")
    os.truncate(path, path.stat().st_size - cut)
    assert write(store, ROWS, resume=True) < 6
    assert content(store) == content(tmp_path / "straight")


def test_killed_between_the_two_renames(store, tmp_path):
    write(tmp_path / "straight", ROWS)
    with pytest.raises(KeyboardInterrupt):
        write(store, ROWS, fail=True)
    head = (tmp_path / "straight.npy").read_bytes()[:128]
    part = store.with_name("some.store.npy.part")
    part.write_bytes(head + part.read_bytes()[128:])
    part.rename(f"{store}.npy")
    assert write(store, ROWS, resume=True) == 7
    assert content(store) == content(tmp_path / "straight")


def test_killed_for_real(store, tmp_path):
    write(tmp_path / "straight", ROWS)
    script = (
        "import os, signal, sys, numpy as np\n"
        "from insightrec.megaface.packed_store import StoreWriter\n"
        "with StoreWriter(sys.argv[1], 4) as writer:\n"
        "    writer.append(['a/0.jpg'], np.zeros((1, 4)), ['0'])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, store]).returncode == -signal.SIGKILL
    write(store, ROWS, resume=True)
    assert content(store) == content(tmp_path / "straight")


def test_killed_before_the_last_part_was_removed(store):
    write(store, ROWS)
    before = content(store)
    store.with_name("some.store.json.part").write_text("left")
    assert write(store, ROWS, resume=True) == 7
    assert content(store) == before
    assert names(store) == ["some.store.json", "some.store.npy"]


def test_killed_while_it_replaced_a_store(store):
    write(store, ROWS)
    before = content(store)
    with pytest.raises(KeyboardInterrupt):
        write(store, -ROWS[:3], PATHS[:3], fail=True, overwrite=True)
    assert content(store) == before
    with pytest.raises(OutputError, match="exists already"):  # which of the two should be continued?
        write(store, -ROWS, resume=True)
    assert write(store, -ROWS, resume=True, overwrite=True) == 3
    assert np.load(f"{store}.npy").tobytes() == (-ROWS).tobytes()


def test_the_parts_of_another_run_stay(store):
    with pytest.raises(KeyboardInterrupt):
        write(store, ROWS[:3], PATHS[:3], fail=True)
    with pytest.raises(OutputError, match="an earlier run began this store"):
        write_store(store, ROWS, PATHS, 4)
    assert write(store, ROWS, resume=True) == 3


def test_part_files_of_another_kind(store):
    store.parent.mkdir()
    store.with_name("some.store.npy.part").write_bytes(b"x" * 300)
    part = store.with_name("some.store.json.part")
    for text in ("", "{}\n", "5\n", "no JSON\n", '{"source": "", "dimension": 4}\n5\n'):
        part.write_text(text)
        with pytest.raises(OutputError, match="--overwrite"):
            write(store, ROWS, resume=True)
    write(store, ROWS, overwrite=True)


def test_a_store_whose_files_do_not_fit(store):
    write_store(store, ROWS, PATHS, 4)
    store_files(store)[1].write_text(json.dumps({"path": PATHS[:5]}))
    with pytest.raises(FeatureError, match=r"some.store.npy: expected 5 rows as some.store.json has paths, found 7"):
        open_store(store)
    store_files(store)[1].unlink()
    with pytest.raises(ListError, match="No such file"):
        open_store(store)


def test_ids_for_all_or_none(store):
    with pytest.raises(FeatureError, match="expected 7 ids as there are paths, found 3"):
        write_store(store, [ROWS], PATHS, 4, ids=["a", "b", "c"])
    with pytest.raises(FeatureError, match="ids for all paths or none, found 3"), StoreWriter(store, 4) as writer:
        writer.append(PATHS[:3], ROWS[:3], ["a", "b", "c"])
        writer.append(PATHS[3:], ROWS[3:])


@pytest.mark.parametrize("dimension", [0, 65537])
def test_dimension(store, dimension):
    with pytest.raises(FeatureError, match="expected features of 1 to 16384 numbers"):
        StoreWriter(store, dimension)
