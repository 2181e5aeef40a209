"""When a run saves, how it is interrupted, and that it survives being killed."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from insightrec.deploy.params_file import read_params
from insightrec.train.checkpoint import newest_checkpoint, read_checkpoint

training_run = pytest.importorskip("insightrec.train.training_run", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

QUICK = "--loss-type 0 --lr 0.1"


def numbers(folder):
    """Numbers of the checkpoints, ascending."""
    return [int(path.stem[-4:]) for path in sorted(folder.glob("m-*.params"))]


def step_of(prefix, index):
    return read_checkpoint(prefix, index).state["progress"]["step"]


@pytest.fixture
def accuracies(monkeypatch):
    """List from which every verification takes its accuracy."""
    values = []

    def verify(self):
        return [values.pop(0)]

    monkeypatch.setattr(training_run.TrainingRun, "_verify", verify)
    return values


@pytest.mark.parametrize(
    ("ckpt", "steps"),
    [
        (0, {4: 7}),
        (1, {0: 6, 1: 2, 2: 4, 4: 7}),
        (2, {1: 2, 2: 4, 3: 6, 4: 7}),
        (3, {0: 6, 1: 4, 4: 7}),
    ],
)
def test_what_each_rule_saves(run_training, tmp_path, accuracies, ckpt, steps):
    """Verified after steps 2, 4, 6 and at the end, 7: better, better, worse, worse."""
    accuracies += [0.7, 0.8, 0.75, 0.75]
    printed = run_training(tmp_path / "m", f"{QUICK} --verbose 2 --max-steps 7 --ckpt {ckpt}")
    assert not accuracies
    assert {number: step_of(tmp_path / "m", number) for number in numbers(tmp_path)} == steps
    assert "saving 0" not in printed  # that one is for resuming only
    assert printed.count("saving") == {0: 1, 1: 3, 2: 4, 3: 3}[ckpt]
    assert newest_checkpoint(tmp_path / "m") == 4


def test_a_run_that_ends_at_a_saved_evaluation_saves_once(run_training, tmp_path):
    printed = run_training(tmp_path / "m", f"{QUICK} --verbose 2 --max-steps 4")  # without packs all are saved
    assert printed.count("saving") == 2
    assert numbers(tmp_path) == [1, 2]


def test_end_epoch_ends_it(run_training, tmp_path):
    run_training(tmp_path / "m", f"{QUICK} --end-epoch 1")  # 48 images, 6 a step
    assert {number: step_of(tmp_path / "m", number) for number in numbers(tmp_path)} == {1: 8}


def test_training_changes_what_it_saves_and_verifies(run_training, tmp_path):
    """Checkpoints are of the network as it was when they were taken."""
    run_training(tmp_path / "m", f"{QUICK} --verbose 1 --ckpt 2 --max-steps 3")
    weights = [read_params(f"{tmp_path}/m-000{number}.params").arrays["arg:fc1_weight"] for number in (1, 2, 3)]
    assert (weights[0] != weights[1]).any()
    assert (weights[1] != weights[2]).any()


def press_ctrl_c(monkeypatch, step_number, times=1):
    """Send SIGINT in the middle of a step."""
    step = training_run.TrainingLog.step

    def interrupted(self, number, *arguments):
        step(self, number, *arguments)
        for _ in range(times if number == step_number else 0):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training_run.TrainingLog, "step", interrupted)


@pytest.mark.parametrize("ckpt", [0, 1, 2, 3])
def test_an_interruption_saves_whatever_the_rule(run_training, tmp_path, monkeypatch, capsys, ckpt):
    press_ctrl_c(monkeypatch, 3)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit, match="130"):
        run_training(tmp_path / "m", f"{QUICK} --ckpt {ckpt} --verbose 2")
    assert signal.getsignal(signal.SIGINT) is before
    assert newest_checkpoint(tmp_path / "m") == 2  # the number of the evaluation that would have been next
    assert step_of(tmp_path / "m", 2) == 3
    assert capsys.readouterr().err.startswith("train: interrupted: ")


def test_the_second_ctrl_c_stops_at_once(run_training, tmp_path, monkeypatch):
    press_ctrl_c(monkeypatch, 3, times=2)
    with pytest.raises(SystemExit, match="130"):
        run_training(tmp_path / "m", QUICK)
    assert not list(tmp_path.iterdir())


def test_resume_without_a_checkpoint_starts_anew_and_says_so(run_training, tmp_path, capsys):
    run_training(tmp_path / "m", f"{QUICK} --max-steps 1 --resume")
    assert "train: warning: --resume: " in capsys.readouterr().err
    assert step_of(tmp_path / "m", 1) == 1


def test_resume_does_not_replace_a_model_without_a_state(run_training, tmp_path, capsys):
    run_training(tmp_path / "m", f"{QUICK} --max-steps 1")
    (tmp_path / "m-0001.state").unlink()  # as a model from elsewhere
    before = (tmp_path / "m-0001.params").read_bytes()
    with pytest.raises(SystemExit, match="2"):
        run_training(tmp_path / "m", f"{QUICK} --max-steps 2 --resume")
    assert "have no training state; choose another --prefix" in capsys.readouterr().err
    assert (tmp_path / "m-0001.params").read_bytes() == before


def test_resume_goes_on_with_the_newest_not_the_highest(run_training, tmp_path, accuracies):
    accuracies += [0.8, 0.7]
    with pytest.raises(IndexError):  # in the third verification, as if the run were killed there
        run_training(tmp_path / "m", f"{QUICK} --verbose 2 --max-steps 9 --ckpt 1")
    assert {number: step_of(tmp_path / "m", number) for number in numbers(tmp_path)} == {0: 4, 1: 2}
    accuracies += [0.9, 0.9]
    assert "m-0000: going on from step 4" in run_training(tmp_path / "m", f"{QUICK} --verbose 2 --max-steps 8 --resume")
    assert {number: step_of(tmp_path / "m", number) for number in numbers(tmp_path)} == {0: 4, 1: 2, 3: 6, 4: 8}


@pytest.mark.parametrize("target", ["", "--target pattern"])
def test_a_model_that_has_diverged_is_not_saved(run_training, tmp_path, capsys, target):
    run_training(tmp_path / "m", f"{QUICK} --max-steps 1")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SystemExit, match="2"):
        run_training(tmp_path / "m", f"{QUICK} --lr 1e29 --verbose 3 --max-steps 9 --resume {target}")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert "is not finite, training has diverged; lower --lr" in capsys.readouterr().err


def test_a_damaged_image_that_is_left_out_is_listed(run_training, tmp_path, make_faces, capsys):
    faces = make_faces([0, 0, 0, 1, 1, 1, 2, 2], size=(28, 28), damaged=[4])
    flags = f"{QUICK} --data-dir {faces.path.parent} --max-steps 3"
    run_training(tmp_path / "m", f"{flags} --on-error skip")
    assert "left out: 1 image\n" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run_training(tmp_path / "n", flags)
    assert f"train: error: {faces.path}: record 5: " in capsys.readouterr().err


KILLS = 3


def test_killed_at_any_moment_it_goes_on_to_the_same_end(run_flags, run_training, tmp_path):
    """Every step is saved, so that most kills hit a checkpoint that is being written."""
    flags = f"{QUICK} --loss-type 4 --margin-s 16 --verbose 1 --ckpt 2"
    delays = random.Random(1)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", "from insightrec.train.train import main; main()", *run_flags]
            + [*flags.split(), "--prefix", str(tmp_path / "m"), "--resume"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said = next((line for line in process.stdout if line.startswith("saving")), "")
            time.sleep(delays.uniform(0.05, 0.5))
        finally:
            process.kill()
            process.communicate()
        assert said
        newest = newest_checkpoint(tmp_path / "m")
        if newest is not None:
            read_checkpoint(tmp_path / "m", newest)  # whole
    assert newest
    steps = newest + 2
    run_training(tmp_path / "m", f"{flags} --max-steps {steps} --resume")
    run_training(tmp_path / "whole", f"{flags} --max-steps {steps} --ckpt 0")
    killed, whole = read_checkpoint(tmp_path / "m", steps), read_checkpoint(tmp_path / "whole", steps)
    assert killed.state["batches"] == whole.state["batches"]
    for found, wanted in ((killed.params, whole.params), (killed.arrays, whole.arrays)):
        assert list(found) == list(wanted)
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)
