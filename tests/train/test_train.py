"""The trainer as a command: losses of every kind, its log, bad input, Ctrl-C, several machines."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import create_record_file
from insightrec.train import train
from insightrec.train.checkpoint import read_checkpoint
from insightrec.train.losses.loss_table import ENTRIES

LEARNING = "--network m1 --version-multiplier 0.125 --version-output G --per-batch-size 12 --lr 0.1 --max-steps 40"
KINDS = {
    "classes": "--loss-type 4 --margin-s 16",
    "center": "--loss-type 8 --lr 0.02",
    "identities": "--loss-type 11",
    "triplets": "--loss-type 12 --triplet-rule any --lr 0.02 --triplet-bag-size 40",
    "triplets and classes": "--loss-type 12 --triplet-rule any --lr 0.02 --triplet-bag-size 40 --triplet-ce-weight 1",
    "class parallel": "--loss-type 4 --margin-s 16 --class-parallel --sample-rate 0.5 --cpus 2 --per-batch-size 6",
}
NUMBER = r"[0-9]+\.[0-9]+"
SPEED = rf"Epoch\[([0-9]+)\] Batch \[([0-9]+)\]\tSpeed: {NUMBER} samples/sec((?:\t[a-z_]+={NUMBER})+)"


def metrics(printed):
    """Dict of each speed line's metrics."""
    columns = [match[3].split() for match in re.finditer(SPEED, printed)]
    return [{name: float(value) for name, value in (column.split("=") for column in line)} for line in columns]


@pytest.mark.mxnet
@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_of_every_kind_learns(mx, run_training, tmp_path, kind):
    lines = metrics(run_training(tmp_path / "m", f"{LEARNING} {KINDS[kind]}"))
    assert lines[-1]["lossvalue"] < 0.8 * lines[0]["lossvalue"]
    if kind != "identities":
        assert lines[-1]["acc"] > (0.9 if "triplets" in kind else 0.25)  # by chance 0.5 and 1/8


@pytest.mark.mxnet
def test_log_lines_are_those_that_plot_scripts_parse(mx, run_training, tmp_path, monkeypatch):
    monkeypatch.setattr("insightrec.train.training_log.RATE_EVERY", 25)
    flags = "--loss-type 4 --target pattern --verbose 20 --max-steps 40 --ckpt 2 --lr-steps 24"
    printed = run_training(tmp_path / "m", flags).splitlines()
    first = next(number for number, line in enumerate(printed) if line.startswith("Epoch"))
    expected = [
        SPEED,
        rf"\[pattern\]\[20\]XNorm: {NUMBER}",
        r"\[pattern\]\[20\]Accuracy-Flip: [01]\.[0-9]{5}\+-[01]\.[0-9]{5}",
        "saving 1",
        r"\[20\]Accuracy-Highest: [01]\.[0-9]{5}",
        "lr-batch-epoch: 0.001 0 3",  # 48 images, 6 a step
        SPEED,
        rf"\[pattern\]\[40\]XNorm: {NUMBER}",
        r"\[pattern\]\[40\]Accuracy-Flip: [01]\.[0-9]{5}\+-[01]\.[0-9]{5}",
        "saving 2",
        r"\[40\]Accuracy-Highest: [01]\.[0-9]{5}",
    ]
    assert len(printed[first:]) == len(expected)
    for line, pattern in zip(printed[first:], expected):
        assert re.fullmatch(pattern, line), line
    assert [match.groups()[:2] for match in re.finditer(SPEED, "\n".join(printed))] == [("2", "3"), ("4", "7")]
    assert list(metrics("\n".join(printed))[0]) == ["acc", "lossvalue", "margin_acc"]


# Bad input: one line, status 2, and nothing is written.


@pytest.fixture(scope="module")
def bad_sets(pattern_set, tmp_path_factory):
    """Folders by what is wrong with the set in them."""
    folders = {name: tmp_path_factory.mktemp("bad") for name in ("empty", "flat", "few classes", "label", "damaged")}
    for name in ("few classes", "damaged"):
        shutil.copytree(pattern_set, folders[name], dirs_exist_ok=True)
    (folders["few classes"] / "property").write_text("5,28,28\n")
    records = (pattern_set / "train.rec").read_bytes()
    (folders["damaged"] / "train.rec").write_bytes(records.replace(b"IDAT", b"XXXX"))
    _, image = FaceRecordSet(pattern_set).record(0)
    for name, labels in (("flat", range(8)), ("label", [*range(7), 8])):
        with create_record_file(folders[name] / "train.rec") as writer:
            for key, label in enumerate(labels):
                writer.write(key, pack_label(float(label), bytes(image), id=key))
        (folders[name] / "property").write_text("8,28,28\n")
    return folders


BAD = {
    "no train.rec": ("empty", "", "expected train.rec, found no .rec file"),
    "flat set": ("flat", "--loss-type 12", "expected an identity-indexed set, found a flat one"),
    "num_classes": ("few classes", "", "property: expected 8 classes or more, as many as the set has identities, foun"),
    "label": ("label", "", "record 7: expected a label of 0 to num_classes - 1 = 7, found 8"),
    "damaged image": ("damaged", "", "train.rec: record "),
    "folder as prefix": (None, "--prefix {tmp}/new/", "expected a folder and the start of a name, such as model/mod"),
    "unwritable prefix": (None, "--prefix /dev/null/m", "--prefix /dev/null/m: cannot be written"),
    "no such network": (None, "--network q9", "--network: expected one of r18, r34"),
    "no such size": (None, "--network r19", "--network: expected one of r18, r34"),
    "no such loss": (None, "--loss-type 14", "loss '14' is not known; there are: 0 softmax, 1 sphereface"),
    "no such head": (None, "--network m1 --version-output Q", "--version-output: expected one of A, B, C"),
    "no such pack": (None, "--target nix", "expected a verification pack of --target nix, found pattern.bin"),
    "no such pack file": (None, "--target nix.bin", "nix.bin: expected a verification pack, found no such file"),
    "too many folds": (None, "--target pattern --nfolds 21", "expected 1 to 20 folds (the number of pairs), found 21"),
    "GPU of the CPU build": (None, "--gpus 0", "GPU 0: "),
    "GPU by name": (None, "--gpus first", "--gpus 'first': expected GPU numbers such as 0,1"),
    "float16 on the CPU": (None, "--dtype float16", "float16 on a CPU: MXNet has no float16 matrix product there"),
    "too small an image": (
        None,
        "--network y1",
        "--network y1: the network does not take images of (28, 28) (kernel size exceed input); change --image-size",
    ),
    "other image size": (None, "--image-size 28,32", "expected an image of 28x32 (height x width) or a multiple of it"),
    "sampled without shards": (None, "--sample-rate 0.5", "--sample-rate: samples the classes of --class-parallel"),
    "shards of triplets": (None, "--loss-type 12 --class-parallel", "--class-parallel: triplet has no classes"),
    "no sample": (None, "--class-parallel --sample-rate 0", "--sample-rate 0: expected a part of the classes"),
    "diverged": (None, "--lr 1e10", "training has diverged; lower --lr"),
    "diverged, verified": (None, "--lr 1e10 --target pattern --verbose 1", "is not finite, training has diverged"),
    "triplet alpha": (None, "--loss-type 12 --triplet-alpha 0", "--triplet-alpha 0: expected a squared distance"),
    "less than a triplet": (None, "--loss-type 12 --per-batch-size 2", "--per-batch-size 2: expected 3 or more"),
    "margin": (None, "--margin-m nan", "--margin-m nan: expected radians, 0 <= m < pi/2"),
    "schedule": (None, "--lr-steps 5,3", "--lr-steps: expected increasing numbers of steps"),
    "no pretrained model": (None, "--pretrained {tmp}/nix,1", "nix-symbol.json: no such file"),
    "pretrained of another size": (None, "--pretrained {other},1", "expected shape (8, 2048) of this network, found ("),
}


@pytest.fixture(scope="module")
def other_model(run_training, tmp_path_factory):
    """Prefix of checkpoint 1 with embeddings of 4."""
    prefix = tmp_path_factory.mktemp("other") / "m"
    run_training(prefix, "--emb-size 4 --max-steps 1")
    return prefix


@pytest.mark.mxnet
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(mx, run_training, bad_sets, other_model, tmp_path, capsys, case):
    folder, flags, message = BAD[case]
    prefix = tmp_path / "new" / "m"
    flags = flags.format(tmp=tmp_path, other=other_model)
    if folder:
        flags = f"--data-dir {bad_sets[folder]} {flags}"
    with pytest.raises(SystemExit) as stopped:
        run_training(prefix, f"--max-steps 4 {flags}")
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.startswith("train: error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


REFUSED = (
    "--lr nan|--lr -1|--lr inf|--lr fast|--mom 1|--mom nan|--wd -1|--fc7-lr-mult nan|--triplet-max-ap nan|"
    "--triplet-ce-weight -1|--kvstore dist_async|--per-batch-size 0|--image-size 0,0|--ckpt 4"
)


@pytest.mark.parametrize("flags", REFUSED.split("|"))
def test_numbers_outside_their_domain_are_refused(flags, capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(flags.split())
    assert f"argument {flags.split()[0]}: " in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.mxnet
def test_checkpoints_that_are_there_are_kept_unless_said(mx, run_training, tmp_path, capsys):
    prefix = tmp_path / "m"
    run_training(prefix, "--loss-type 0 --ckpt 2 --verbose 1 --max-steps 2")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 5
    for flags in ("", "--overwrite --lr-steps 0", "--overwrite --tensorboard /dev/null/board"):
        with pytest.raises(SystemExit, match="2"):
            run_training(prefix, f"--loss-type 0 --max-steps 1 {flags}")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert f"--prefix {prefix}: has checkpoints, the last is number 2; choose" in capsys.readouterr().err
    run_training(prefix, "--loss-type 0 --max-steps 1 --overwrite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m-0001.params", "m-0001.state", "m-symbol.json"]


# What needs a process of its own.

TRAIN = "from insightrec.train.train import main; main()"
WITHOUT_MXNET = "import sys; sys.modules['mxnet'] = None\n" + TRAIN


def python(script, flags, **options):
    return subprocess.Popen(
        [sys.executable, "-c", script, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_losses_and_help_need_no_mxnet():
    listing, helping = python(WITHOUT_MXNET, ["--list-losses"]), python(WITHOUT_MXNET, ["--help"])
    printed, errors = listing.communicate(timeout=60)
    assert (listing.returncode, errors) == (0, "")
    for entry in ENTRIES:
        assert f" {entry.name} " in printed
        assert entry.formula in printed
    printed, errors = helping.communicate(timeout=60)
    assert (helping.returncode, errors) == (0, "")
    assert "--loss-type" in printed


def test_without_mxnet_one_line_says_so(pattern_set, tmp_path):
    process = python(WITHOUT_MXNET, ["--data-dir", str(pattern_set), "--prefix", str(tmp_path / "m")])
    printed, errors = process.communicate(timeout=60)
    assert (process.returncode, printed) == (2, "")
    assert errors.startswith("train: error: MXNet cannot be imported")
    assert errors.count("\n") == 1


def test_the_script_runs_in_its_own_folder():
    script = Path(train.__file__)
    done = subprocess.run(
        [sys.executable, script.name, "--list-losses"], cwd=script.parent, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "arcface" in done.stdout


@pytest.mark.mxnet
def test_termination_ends_it_with_a_checkpoint(mx, run_flags, tmp_path):
    prefix = tmp_path / "m"
    process = python(TRAIN, [*run_flags, "--prefix", str(prefix), "--loss-type", "11"])
    try:
        for line in process.stdout:
            if line.startswith("Epoch"):
                break
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert printed.endswith("saving 1\n")
    assert errors.endswith("train: interrupted: finished files are kept, the one being written was discarded\n")
    assert "Traceback" not in errors
    assert read_checkpoint(prefix, 1).state["progress"]["step"] >= 20


SERVER = "from insightrec.deploy.mxnet_import import import_mxnet; import_mxnet()"


def free_port():
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 0))
        except OSError as error:
            pytest.skip(f"no port can be opened on the loopback ({error})")
        return listener.getsockname()[1]


def run_workers(flags, count=2, interrupt=False):
    """``[(status, printed, errors), ...]`` of the workers of a distributed run on the loopback.

    interrupt: send the last one SIGINT once it has trained some steps.
    """
    environment = {
        **os.environ,
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_NODE_HOST": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(free_port()),
        "DMLC_NUM_SERVER": "1",
        "DMLC_NUM_WORKER": str(count),
        "OMP_NUM_THREADS": "1",
    }
    roles = [("scheduler", SERVER), ("server", SERVER)] + [("worker", TRAIN)] * count
    processes = [python(script, flags, env={**environment, "DMLC_ROLE": role}) for role, script in roles]
    try:
        if interrupt:
            next(line for line in processes[-1].stdout if line.startswith("Epoch"))
            processes[-1].send_signal(signal.SIGINT)
        said = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [(process.returncode, *texts) for process, texts in zip(processes, said)][-count:]


@pytest.mark.mxnet
def test_workers_stop_together_where_one_is_interrupted(mx, run_flags, tmp_path):
    done = run_workers(
        [*run_flags, "--prefix", str(tmp_path / "m"), "--per-batch-size", "2", "--kvstore", "dist_sync"], interrupt=True
    )
    assert [status for status, _, _ in done] == [130, 130], done
    assert read_checkpoint(tmp_path / "m", 1).state["progress"]["step"] >= 20
    # Now it is there, all workers refuse to begin anew, and none is left waiting.
    done = run_workers([*run_flags, "--prefix", str(tmp_path / "m"), "--max-steps", "1", "--kvstore", "dist_sync"])
    assert [status for status, _, _ in done] == [2, 2], done


@pytest.mark.mxnet
def test_two_workers_equal_one_process_with_two_devices(mx, run_flags, run_training, tmp_path):
    flags = "--loss-type 4 --margin-s 16 --lr 0.1 --max-steps 4 --verbose 2 --ckpt 2 --target pattern"
    done = run_workers([*run_flags, "--prefix", str(tmp_path / "two"), *flags.split(), "--kvstore", "dist_sync"])
    assert [status for status, _, _ in done] == [0, 0], done
    assert sorted(printed.count("Accuracy-Flip") for _, printed, _ in done) == [0, 2]
    assert sorted(printed.count("saving") for _, printed, _ in done) == [0, 2]
    run_training(tmp_path / "one", f"{flags} --cpus 2")
    start, found, wanted = (
        read_checkpoint(tmp_path / name, index) for name, index in (("one", 1), ("two", 2), ("one", 2))
    )
    assert found.state["batches"] == wanted.state["batches"] == {"position": 48}
    for name, array in wanted.params.items():
        np.testing.assert_allclose(found.params[name], array, rtol=0, atol=1e-5, err_msg=name)
    assert max(abs(array - start.params[name]).max() for name, array in wanted.params.items()) > 1e-3
