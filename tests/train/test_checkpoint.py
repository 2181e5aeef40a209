import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from insightrec.deploy.params_file import read_params
from insightrec.recordio_tools.errors import ModelError, OutputError
from insightrec.train import checkpoint as checkpoint_module
from insightrec.train.checkpoint import (
    Checkpoint,
    check_prefix,
    newest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)

SYMBOL = '{"nodes": []}'


def made(step, symbol=SYMBOL):
    """A checkpoint in which every part says the step."""
    return Checkpoint(
        {
            "arg:fc1_weight": np.full((40, 50), step, np.float32),
            "aux:fc1_moving_mean": np.full(50, step, np.float16),
        },
        symbol,
        {"step": step, "rate": 0.1},
        {"momentum:fc1_weight": np.full((40, 50), -step, np.float32)},
    )


def step_of(checkpoint):
    """The step that every part of a checkpoint says; fails on a mixture."""
    step = checkpoint.state["step"]
    expected = made(step, checkpoint.symbol_json)
    for found, wanted in ((checkpoint.params, expected.params), (checkpoint.arrays, expected.arrays)):
        assert list(found) == list(wanted)
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name])
    return step


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "models" / "model-r100")


def test_three_files_are_written_and_read(prefix, tmp_path):
    write_checkpoint(prefix, 7, made(3))
    assert names(tmp_path / "models") == [
        "model-r100-0007.params",
        "model-r100-0007.state",
        "model-r100-symbol.json",
    ]
    read = read_checkpoint(prefix, 7)
    assert step_of(read) == 3
    assert (read.symbol_json, read.state) == (SYMBOL, {"step": 3, "rate": 0.1})


def test_the_newest_is_the_one_written_last(prefix):
    assert newest_checkpoint(prefix) is None
    for index in (1, 2, 10000, 1):
        write_checkpoint(prefix, index, made(index))
        assert newest_checkpoint(prefix) == index


def test_files_of_other_prefixes_and_models_without_a_state_are_no_checkpoints_to_resume(prefix, tmp_path):
    write_checkpoint(f"{prefix}-0001", 5, made(1))
    write_checkpoint(f"{prefix}x", 5, made(1))
    assert newest_checkpoint(prefix) is None
    write_checkpoint(prefix, 50, made(1))
    (tmp_path / "models" / "model-r100-0050.state").unlink()
    assert newest_checkpoint(prefix) is None
    with pytest.raises(
        ModelError, match=r"0050.state: expected the training state .*, found none; .*--pretrained .*,50"
    ):
        read_checkpoint(prefix, 50)


def test_parameters_put_in_place_of_others_are_found(prefix, tmp_path):
    write_checkpoint(prefix, 1, made(1))
    write_checkpoint(prefix, 2, made(2))
    os.replace(tmp_path / "models" / "model-r100-0001.params", tmp_path / "models" / "model-r100-0002.params")
    with pytest.raises(ModelError, match="found that of other parameters; resume from another checkpoint"):
        read_checkpoint(prefix, 2)


def test_missing_parameters_are_one_line(prefix):
    with pytest.raises(ModelError, match="0003.params: cannot be read"):
        read_checkpoint(prefix, 3)


@pytest.mark.parametrize("missing", ["written", "params_sha256", "symbol", "state"])
def test_a_state_without_what_it_needs_is_one_line(prefix, missing):
    write_checkpoint(prefix, 1, made(1))
    content = {"written": 1.5, "params_sha256": "", "symbol": "", "state": {}}
    del content[missing]
    checkpoint_module.write_state(f"{prefix}-0001.state", content, {})
    with pytest.raises(ModelError, match=f"state.json: expected a .* '{missing}', found None"):
        read_checkpoint(prefix, 1)


def test_the_graph_is_written_only_where_it_differs(prefix):
    write_checkpoint(prefix, 1, made(1))
    os.utime(f"{prefix}-symbol.json", (0, 0))
    write_checkpoint(prefix, 2, made(2))
    assert os.stat(f"{prefix}-symbol.json").st_mtime == 0
    write_checkpoint(prefix, 3, made(3, '{"nodes": [1]}'))
    assert os.stat(f"{prefix}-symbol.json").st_mtime != 0
    assert read_checkpoint(prefix, 2).symbol_json == SYMBOL


# What may be there at the moment of a kill, made by stopping after each of the steps of a write.


class Stopped(Exception):
    pass


def stop(*_, **__):
    raise Stopped


def replace_unless(target):
    real = os.replace
    return lambda source, to: stop() if str(to) == target else real(source, to)


@pytest.mark.parametrize("old", [None, 1])
@pytest.mark.parametrize(
    ("last_call", "expected"), [("write_state", "old"), ("write_params", "old"), ("replace", "new")]
)
def test_a_write_that_stops_leaves_the_old_or_the_new_one(prefix, monkeypatch, old, last_call, expected):
    if old:
        write_checkpoint(prefix, 1, made(old))
    with monkeypatch.context() as patch:
        if last_call == "replace":
            patch.setattr(os, "replace", replace_unless(f"{prefix}-0001.state"))
        else:
            patch.setattr(checkpoint_module, last_call, stop)
        with pytest.raises(Stopped):
            write_checkpoint(prefix, 1, made(2))
    survivor = old if expected == "old" else 2
    if survivor is None:
        assert newest_checkpoint(prefix) is None
    else:
        assert step_of(read_checkpoint(prefix, newest_checkpoint(prefix))) == survivor
    write_checkpoint(prefix, 1, made(3))
    assert step_of(read_checkpoint(prefix, newest_checkpoint(prefix))) == 3
    assert len(names(Path(prefix).parent)) == 3


def test_a_new_state_that_was_left_does_not_make_its_number_the_newest(prefix, monkeypatch):
    write_checkpoint(prefix, 1, made(1))
    write_checkpoint(prefix, 7, made(2))
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "write_params", stop)
        with pytest.raises(Stopped):
            write_checkpoint(prefix, 1, made(3))
    assert newest_checkpoint(prefix) == 7
    assert step_of(read_checkpoint(prefix, 1)) == 1


def test_two_stops_in_a_row_lose_nothing(prefix, monkeypatch):
    """The first leaves the new parameters with their state not yet in place; the second is before new parameters."""
    write_checkpoint(prefix, 1, made(1))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(os, "replace", replace_unless(f"{prefix}-0001.state"))
        write_checkpoint(prefix, 1, made(2))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(checkpoint_module, "write_params", stop)
        write_checkpoint(prefix, 1, made(3))
    assert step_of(read_checkpoint(prefix, 1)) == 2


# The same with SIGKILL: a clean process forks a writer that writes until it is killed, again and again.

KILLER = """
import os, random, signal, sys, time
from insightrec.train.checkpoint import newest_checkpoint, read_checkpoint, write_checkpoint
sys.path.insert(0, {tests!r})
from test_checkpoint import made, step_of

prefix, rule, moments = sys.argv[1:]
chance = random.Random(5)


def die_before_operation(number):
    left = [number]

    def hook(event, _):
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "fcntl.flock"):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def write_until_killed(step, kill, started, finished):
    if moments == "operations":
        die_before_operation(kill)
    while True:
        step += 1
        os.write(started, b"x")
        write_checkpoint(prefix, 1 if rule == "one" else step, made(step))
        os.write(finished, b"x")


step, within = 0, 0
for kill in range(1, 61):
    started, finished = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        write_until_killed(step, kill, started[1], finished[1])
    if moments == "random":
        time.sleep(chance.uniform(0.0005, 0.05))
        os.kill(pid, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    counts = []
    for reading, writing in (started, finished):
        os.close(writing)
        counts.append(len(os.read(reading, 1 << 16)))
        os.close(reading)
    begun, whole = (step + count for count in counts)
    within += begun > whole
    index = newest_checkpoint(prefix)
    found = step_of(read_checkpoint(prefix, index)) if index else 0
    assert whole <= found <= begun, (kill, whole, found, begun)
    step = found
print(within, step)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("rule", ["one", "counted"])
@pytest.mark.parametrize("moments", ["operations", "random"])
def test_sigkill_at_any_moment_leaves_the_newest_or_the_one_before(prefix, rule, moments):
    script = KILLER.format(tests=os.path.dirname(__file__))
    run = subprocess.run(
        [sys.executable, "-c", script, prefix, rule, moments], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    within, step = map(int, run.stdout.split())
    assert within > 0
    if moments == "operations":  # before each of the first 60, which are those of several writes
        assert step > 60


# The prefix


def test_a_prefix_without_a_folder_is_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_prefix("model")
    write_checkpoint("model", 1, made(1))
    assert newest_checkpoint("model") == 1
    assert names(tmp_path) == ["model-0001.params", "model-0001.state", "model-symbol.json"]


def test_folders_are_made_and_nothing_else(prefix, tmp_path):
    check_prefix(prefix)
    assert names(tmp_path) == ["models"]
    assert names(tmp_path / "models") == []


def test_a_folder_is_no_prefix(tmp_path):
    with pytest.raises(OutputError, match="--prefix .*/: expected a folder and the start of a name"):
        check_prefix(f"{tmp_path}/")


def test_an_unwritable_prefix_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for prefix in (tmp_path / "file" / "model", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match="cannot be written .*; choose another prefix") as error:
            check_prefix(str(prefix))
        assert "\n" not in str(error.value)


def test_checkpoints_that_are_there_are_refused_kept_or_removed(prefix, tmp_path):
    write_checkpoint(prefix, 1, made(1))
    write_checkpoint(prefix, 12, made(1))
    write_checkpoint(f"{prefix}x", 1, made(1))
    with pytest.raises(OutputError, match="has checkpoints, the last is number 12; .* --resume or --overwrite"):
        check_prefix(prefix)
    check_prefix(prefix, existing="keep")
    assert newest_checkpoint(prefix) == 12
    check_prefix(prefix, existing="remove")
    assert newest_checkpoint(prefix) is None
    assert names(tmp_path / "models") == [
        "model-r100-symbol.json",
        "model-r100x-0001.params",
        "model-r100x-0001.state",
        "model-r100x-symbol.json",
    ]


@pytest.mark.mxnet
def test_mxnets_own_loader_reads_it_and_would_write_the_same_bytes(mx, prefix, tmp_path):
    data = mx.sym.var("data")
    symbol = mx.sym.FullyConnected(data, num_hidden=4, name="fc1")
    arrays = {"arg:fc1_weight": np.ones((4, 3), np.float32), "arg:fc1_bias": np.arange(4, dtype=np.float32)}
    write_checkpoint(prefix, 1, Checkpoint(arrays, symbol.tojson()))
    loaded, arg, aux = mx.model.load_checkpoint(prefix, 1)
    assert loaded.list_arguments() == symbol.list_arguments()
    assert aux == {}
    mx.model.save_checkpoint(str(tmp_path / "mxnet"), 1, symbol, arg, aux)
    for ending in ("-0001.params", "-symbol.json"):
        assert (tmp_path / f"mxnet{ending}").read_bytes() == Path(prefix + ending).read_bytes()
    assert list(read_params(f"{prefix}-0001.params").arrays) == list(arrays)
