import itertools
import operator
import os
import signal
import subprocess
import sys
import time

import pytest

from insightrec.deploy.process_map import process_map
from insightrec.recordio_tools.errors import InputError

# Workers import what they run, so it cannot be a function of this file.
WORK = """
import os, signal, time
import cv2

START = []

def begin(number):
    START.append(number)

def refuse():
    raise FileNotFoundError("no weights")

def square(number):
    time.sleep(0.02 * (number % 3))
    return number**2, os.getpid(), list(START), cv2.getNumThreads()

def ignores_interrupts(number):
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN, os.getpid()

def fall(number):
    if number == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "work_of_workers.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "work_of_workers", raising=False)
    import work_of_workers

    return work_of_workers


def test_one_process_is_this_one(work):
    results = list(process_map(work.square, range(5), processes=1, start=work.begin, start_args=(7,)))
    assert [found[:3] for found in results] == [(number**2, os.getpid(), [7]) for number in range(5)]


def test_results_come_in_order_from_processes_that_are_started_once(work):
    results = list(process_map(work.square, range(70), processes=2, start=work.begin, start_args=(7,)))
    squares, workers, starts, threads = zip(*results)
    assert squares == tuple(number**2 for number in range(70))
    assert len(set(workers)) == 2
    assert os.getpid() not in workers
    assert set(map(tuple, starts)) == {(7,)}
    assert set(threads) == {1}
    assert work.START == []


def test_the_work_ahead_is_bounded():
    taken = []
    items = (taken.append(number) or number for number in itertools.count())
    found = process_map(operator.neg, items, processes=2)
    assert [next(found) for _ in range(3)] == [0, -1, -2]
    assert len(taken) < 50
    found.close()


def test_workers_ignore_interrupts_and_this_process_does_not(work):
    handler = signal.getsignal(signal.SIGINT)
    ignores, workers = zip(*process_map(work.ignores_interrupts, range(40), processes=2))
    assert set(ignores) == {True}
    assert os.getpid() not in workers
    assert signal.getsignal(signal.SIGINT) is handler is not signal.SIG_IGN
    assert [ignores for ignores, _ in process_map(work.ignores_interrupts, [0], processes=1)] == [False]


def test_nothing_to_do():
    assert list(process_map(operator.neg, [], processes=2)) == []


def test_an_error_comes_where_its_result_would():
    found = process_map(operator.truediv, [], processes=2)
    assert list(found) == []
    results = process_map(int, ["1", "2", "x", "4"], processes=2)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ValueError, match="invalid literal"):
        next(results)


def test_an_error_of_the_start_is_the_users(work):
    for processes in (1, 2):
        with pytest.raises(FileNotFoundError, match="no weights"):
            list(process_map(work.square, range(3), processes=processes, start=work.refuse))


def test_a_killed_worker_is_one_line_and_no_hang(work):
    with pytest.raises(InputError, match="^one of 2 worker processes was killed, as .* memory runs out; use fewer"):
        list(process_map(work.fall, range(40), processes=2))


RUN = """
import work_of_workers
from insightrec.deploy.process_map import process_map

if __name__ == "__main__":
    try:
        for value, worker, *_ in process_map(work_of_workers.square, range(100_000), processes=2):
            print(worker, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.fixture
def running(work, tmp_path):
    """A process of its own group that maps over two workers, and the workers' ids."""
    (tmp_path / "run.py").write_text(RUN)
    process = subprocess.Popen(
        [sys.executable, "run.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    workers = {int(process.stdout.readline()) for _ in range(30)}
    yield process, workers
    process.kill()
    process.communicate()


def is_alive(worker):
    try:
        with open(f"/proc/{worker}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc to see processes in")
def test_workers_end_when_their_parent_is_killed(running):
    process, workers = running
    assert all(map(is_alive, workers))
    process.kill()
    deadline = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_ctrl_c_is_for_the_parent(running):
    process, _ = running
    os.killpg(process.pid, 2)
    out, err = process.communicate(timeout=60)
    assert out.decode().splitlines()[-1] == "interrupted"
    assert err == b""
