import io
import re
import sys
from types import SimpleNamespace

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.training_log import TrainingLog


class Clock:
    """Moved by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Writer:
    """Stands in for tensorboardX's SummaryWriter."""

    def __init__(self, folder, purge_step=None):
        self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, [], False

    def add_scalar(self, tag, value, step):
        self.scalars.append((tag, value, step))

    def close(self):
        self.closed = True


@pytest.fixture
def writers(monkeypatch):
    made = []

    def make(*arguments, **options):
        made.append(Writer(*arguments, **options))
        return made[-1]

    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=make))
    return made


def test_speed_lines_are_speedometers_with_means_since_the_last(capsys):
    clock = Clock()
    with TrainingLog(64, every=2, clock=clock) as log:
        for step, (accuracy, loss) in enumerate([(0.0, 9.0), (0.5, 8.0), (0.25, 4.0), (0.75, 2.0), (1.0, 1.0)], 1):
            clock.now += 2
            log.step(step, 3, step - 1, 0.1, {"acc": accuracy, "lossvalue": lambda loss=loss: loss})
    assert capsys.readouterr().out.splitlines() == [
        "Epoch[3] Batch [1]\tSpeed: 32.00 samples/sec\tacc=0.250000\tlossvalue=8.500000",
        "Epoch[3] Batch [3]\tSpeed: 32.00 samples/sec\tacc=0.500000\tlossvalue=3.000000",
    ]


def test_the_default_is_every_20_steps(capsys):
    with TrainingLog(1) as log:
        for step in range(1, 41):
            log.step(step, 0, step, 0.1, {"acc": 1})
    found = [
        re.match(r"Epoch\[\d+\] Batch \[(\d+)\]\tSpeed: [\d.]+ samples/sec\tacc=", line)[1] for line in lines(capsys)
    ]
    assert found == ["20", "40"]


def test_values_on_a_device_are_asked_for_only_when_a_line_is_due():
    asked = []
    with TrainingLog(1, every=3) as log:
        for step in (1, 2):
            log.step(step, 0, step, 0.1, {"acc": lambda step=step: asked.append(step) or 1.0})
        assert asked == []
        log.step(3, 0, 3, 0.1, {"acc": 1.0})
    assert asked == [1, 2]


def test_the_time_of_a_verification_is_not_counted(capsys):
    clock = Clock()
    with TrainingLog(10, every=4, clock=clock) as log:
        log.step(1, 0, 1, 0.1, {})
        log.step(2, 0, 2, 0.1, {})
        clock.now += 1000
        log.restart_clock()
        clock.now += 5
        log.step(3, 0, 3, 0.1, {})
        log.step(4, 0, 4, 0.1, {})
    assert lines(capsys) == ["Epoch[0] Batch [4]\tSpeed: 4.00 samples/sec"]


def test_the_rate_is_printed_every_1000_steps_as_python_2_did(capsys):
    with TrainingLog(1, every=10**9) as log:
        for step in range(999, 2001):
            log.step(step, 7, step % 600, 0.1 * 0.1, {})
    assert lines(capsys) == ["lr-batch-epoch: 0.01 400 7", "lr-batch-epoch: 0.01 200 7"]


def test_verification_and_save_lines_are_upstreams(capsys):
    with TrainingLog(1) as log:
        log.verification(2000, "lfw", 22.1234567, 0.99783, 0.0027)
        log.saving(1)
        log.highest(2000, 0.978)
        log.line("anything else")
    assert lines(capsys) == [
        "[lfw][2000]XNorm: 22.123457",
        "[lfw][2000]Accuracy-Flip: 0.99783+-0.00270",
        "saving 1",
        "[2000]Accuracy-Highest: 0.97800",
        "anything else",
    ]


def test_no_bar_where_standard_error_is_no_terminal(capsys):
    with TrainingLog(1, last_step=5) as log:
        log.step(1, 0, 1, 0.1, {"acc": 1})
    assert capsys.readouterr().err == ""


def test_the_bar_on_a_terminal_counts_images_from_where_a_run_goes_on(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with TrainingLog(500, every=1, first_step=4, last_step=8) as log:
        log.step(5, 0, 5, 0.1, {"acc": 0.5, "lossvalue": 2.0})
        log.line("the bar is drawn again below a line")
    shown = terminal.getvalue()
    assert "2.50k/4.00k" in shown
    assert "acc=0.5000, lossvalue=2.0000" in shown
    assert "image/s" in shown
    assert [line.split("\t")[0] for line in lines(capsys)] == [
        "Epoch[0] Batch [5]",
        "the bar is drawn again below a line",
    ]


def test_scalars_go_to_tensorboard(writers, tmp_path):
    with TrainingLog(8, every=1, tensorboard=tmp_path, first_step=4, clock=Clock()) as log:
        log.step(5, 0, 0, 0.1, {"acc": 0.5})
        log.verification(5, "lfw", 22.0, 0.9, 0.01)
        log.highest(5, 0.9)
    (writer,) = writers
    assert (writer.folder, writer.purge_step, writer.closed) == (str(tmp_path), 5, True)
    tags = {tag: (value, step) for tag, value, step in writer.scalars}
    assert tags.pop("train/images_per_second")[1] == 5
    assert tags == {
        "train/acc": (0.5, 5),
        "train/learning_rate": (0.1, 5),
        "lfw/XNorm": (22.0, 5),
        "lfw/Accuracy-Flip": (0.9, 5),
        "Accuracy-Highest": (0.9, 5),
    }


def test_a_new_run_takes_nothing_back(writers, tmp_path):
    with TrainingLog(8, tensorboard=tmp_path):
        pass
    assert writers[0].purge_step is None


def test_missing_tensorboardx_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(InputError, match="--tensorboard: .*tensorboardX.*; run: pip install tensorboardX"):
        TrainingLog(1, tensorboard=tmp_path)


def lines(capsys):
    return capsys.readouterr().out.splitlines()
