"""A run that goes on from a checkpoint ends as one that was never stopped: to the bit, whatever is trained."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from insightrec.train.checkpoint import read_checkpoint

training_run = pytest.importorskip("insightrec.train.training_run", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

HALF = 3  # steps; the whole run has twice as many
DROPOUT = "--network m1 --version-multiplier 0.125 --version-output E"  # batch normalisation and dropout too
BAGS = "--triplet-bag-size 30 --images-per-identity 4 --triplet-rule any --triplet-alpha 4"
RUNS = {
    "class": f"{DROPOUT} --loss-type 4 --margin-s 16 --color 2 --cutoff 9 --lr-steps 2,5 --warmup-steps 4",
    "annealed, in margin warm-up": "--loss-type 1 --beta 10 --beta-min 0 --softmax-steps 1 --margin-warmup-steps 4",
    "random margin": "--loss-type 7 --margin-a 0.1 --margin-s 16",
    "centres": f"{DROPOUT} --loss-type 8",
    "identities": f"{DROPOUT} --loss-type 11",
    "triplets": f"{DROPOUT} --loss-type 12 {BAGS}",
    "triplets with cross-entropy": f"--loss-type 13 {BAGS} --triplet-ce-weight 0.5",
    "two devices": f"{DROPOUT} --loss-type 2 --margin-s 16 --cpus 2",
    "sampled classes": f"{DROPOUT} --loss-type 0 --cpus 2 --class-parallel --sample-rate 0.5",
}


def copy_checkpoint(source, index, prefix):
    """Checkpoint ``index`` as the only one of ``prefix``."""
    for end in ("-symbol.json", f"-{index:04d}.params", f"-{index:04d}.state"):
        shutil.copy(f"{source}{end}", f"{prefix}{end}")


def assert_same_checkpoint(prefix, wanted, index, wanted_index=None):
    """To the bit: the files of the model, the state and its arrays."""
    wanted_index = index if wanted_index is None else wanted_index
    assert Path(f"{prefix}-symbol.json").read_bytes() == Path(f"{wanted}-symbol.json").read_bytes()
    found = Path(f"{prefix}-{index:04d}.params").read_bytes()
    assert found == Path(f"{wanted}-{wanted_index:04d}.params").read_bytes()
    checkpoint, other = read_checkpoint(prefix, index), read_checkpoint(wanted, wanted_index)
    assert checkpoint.state == other.state
    assert list(checkpoint.arrays) == list(other.arrays)
    for name, array in other.arrays.items():
        np.testing.assert_array_equal(checkpoint.arrays[name], array, err_msg=name)


@pytest.mark.parametrize("run", RUNS)
def test_resume_is_exact(run_training, tmp_path, run):
    flags = f"{RUNS[run]} --verbose {HALF} --ckpt 2 --max-steps {2 * HALF}"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run_training(whole, flags)
    copy_checkpoint(whole, 1, cut)
    assert f"cut-0001: going on from step {HALF}" in run_training(cut, f"{flags} --resume")
    assert_same_checkpoint(cut, whole, 2)
    start, end = read_checkpoint(whole, 1), read_checkpoint(whole, 2)
    changed = {name for name, array in end.params.items() if not np.array_equal(array, start.params[name])}
    assert changed >= {name for name in end.params if name.endswith("_weight") or "moving" in name}
    if "triplets" in run:  # else nothing would show that those of the bag are kept
        assert len(start.arrays["batches:triplets"])


@pytest.mark.parametrize("flags", [RUNS["class"], RUNS["triplets"]], ids=["class", "triplets"])
def test_going_on_from_an_interruption_is_exact(run_training, tmp_path, monkeypatch, flags):
    flags += " --verbose 100 --ckpt 0"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run_training(whole, f"{flags} --max-steps 5")
    with monkeypatch.context() as patch:
        interrupt_in_step(patch, 2)
        with pytest.raises(SystemExit, match="130"):
            run_training(cut, f"{flags} --max-steps 5")
    assert read_checkpoint(cut, 1).state["progress"]["step"] == 2
    assert "going on from step 2" in run_training(cut, f"{flags} --max-steps 5 --resume")
    assert_same_checkpoint(cut, whole, 1)


def interrupt_in_step(patch, number):
    """Press Ctrl-C in the middle of step ``number``."""
    step = training_run.TrainingLog.step

    def interrupted(self, step_number, *arguments):
        step(self, step_number, *arguments)
        if step_number == number:
            signal.raise_signal(signal.SIGINT)

    patch.setattr(training_run.TrainingLog, "step", interrupted)


@pytest.mark.parametrize(
    "flags",
    ["--loss-type 4 --margin-s 16", "--loss-type 8", "--loss-type 0 --class-parallel"],
    ids=["class", "centres", "class parallel"],
)
def test_another_number_of_devices_goes_on_with_the_same_images(run_training, tmp_path, flags):
    """Without batch normalisation the device does not matter but for the order of sums."""
    flags += f" --lr 0.1 --verbose {HALF} --ckpt 2 --max-steps {2 * HALF}"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run_training(whole, f"{flags} --cpus 2 --per-batch-size 6")
    copy_checkpoint(whole, 1, cut)
    run_training(cut, f"{flags} --cpus 1 --per-batch-size 12 --resume")
    start, wanted, found = read_checkpoint(whole, 1), read_checkpoint(whole, 2), read_checkpoint(cut, 2)
    assert found.state == wanted.state
    for name, array in wanted.params.items():
        np.testing.assert_allclose(found.params[name], array, rtol=0, atol=1e-5, err_msg=name)
    moved = max(abs(array - start.params[name]).max() for name, array in wanted.params.items())
    assert moved > 1e-3  # far above the tolerance
    assert list(found.arrays) == list(wanted.arrays)
    for name, array in wanted.arrays.items():
        np.testing.assert_allclose(found.arrays[name], array, rtol=0, atol=1e-4, err_msg=name)


def test_moving_statistics_of_devices_that_are_gone_are_averaged(run_training, tmp_path):
    flags = f"{DROPOUT} --loss-type 0 --ckpt 2"
    run_training(tmp_path / "m", f"{flags} --cpus 2 --max-steps 1")
    before = read_checkpoint(tmp_path / "m", 1)
    names = [name[len("statistics:") :] for name in before.arrays if name.startswith("statistics:")]
    assert names
    for name in names:
        both = before.arrays[f"statistics:{name}"]
        assert both.shape[0] == 2
        assert (both[0] != both[1]).any()
        np.testing.assert_allclose(before.params[f"aux:{name}"], both.mean(axis=0), rtol=1e-6)
    run_training(tmp_path / "m", f"{flags} --max-steps 2 --resume")
    after = read_checkpoint(tmp_path / "m", 1)  # the end of a run is no evaluation: it has the same number again
    assert not [name for name in after.arrays if name.startswith("statistics:")]


@pytest.fixture(scope="module")
def started(run_training, tmp_path_factory):
    """Prefix of a softmax run's only checkpoint."""
    prefix = tmp_path_factory.mktemp("started") / "m"
    run_training(prefix, "--loss-type 0 --max-steps 1")
    return prefix


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--loss-type 0 --emb-size 16", "was trained with --emb-size 8, found 16; --resume goes on with the same"),
        ("--loss-type 0 --network s10", "was trained with --network s4, found s10"),
        ("--loss-type 8", "was trained with --loss-type softmax, found center"),
        ("--loss-type 0 --seed 1", "was trained with --seed 0, found 1"),
        ("--loss-type 0 --images-filter 2", "was trained with --images-filter 0, found 2"),
        ("--loss-type 0 --image-size 56,56", "was trained with --image-size [28, 28], found [56, 56]"),
        ("--loss-type 0 --fc7-no-bias", "1 not used: fc7_bias; --resume goes on with the same options"),
        ("--loss-type 0 --mom 0", None),
        ("--loss-type 0 --lr 0.001 --rand-mirror 0 --per-batch-size 4", None),
    ],
)
def test_what_must_stay_the_same_is_named(run_training, started, tmp_path, capsys, flags, message):
    copy_checkpoint(started, 1, tmp_path / "m")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    if message is None:
        assert "going on from step 1" in run_training(tmp_path / "m", f"{flags} --max-steps 2 --resume")
        return
    with pytest.raises(SystemExit, match="2"):
        run_training(tmp_path / "m", f"{flags} --max-steps 2 --resume")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert message in said
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_bias_that_the_checkpoint_lacks_is_refused(run_training, tmp_path, capsys):
    run_training(tmp_path / "m", "--loss-type 0 --fc7-no-bias --max-steps 1")
    with pytest.raises(SystemExit, match="2"):
        run_training(tmp_path / "m", "--loss-type 0 --max-steps 2 --resume")
    assert "1 start anew: fc7_bias; --resume goes on with the same options" in capsys.readouterr().err
