import os

import numpy as np
import pytest

from insightrec.deploy.call_timing import THREADS, in_fresh_process, summarize, time_calls
from insightrec.deploy.model_files import find_model
from insightrec.recordio_tools.errors import InputError, ModelError


def test_warm_up_calls_are_made_and_not_counted(monkeypatch):
    clock, calls = iter([0, 5, 10, 17]), []
    monkeypatch.setattr("insightrec.deploy.call_timing.time.perf_counter", lambda: next(clock))
    assert time_calls(lambda: calls.append(1), runs=2, warm_up=3).tolist() == [5, 7]
    assert len(calls) == 5


def test_summary():
    timing = summarize(np.arange(1, 102) / 1000, images=51)  # 1 to 101 ms
    assert timing.median_ms == pytest.approx(51)
    assert timing.p95_ms == pytest.approx(96)
    assert timing.images_per_s == pytest.approx(1000)


@pytest.mark.parametrize("before", [None, "7"])
def test_a_fresh_process_has_its_own_number_of_threads(monkeypatch, before):
    if before is None:
        monkeypatch.delenv(THREADS, raising=False)
    else:
        monkeypatch.setenv(THREADS, before)
    assert in_fresh_process(3, os.getenv, THREADS) == "3"
    assert os.environ.get(THREADS) == before
    assert in_fresh_process(1, os.getpid) != os.getpid()


def test_errors_come_through():
    with pytest.raises(ModelError, match="nowhere-symbol.json: no such file"):
        in_fresh_process(1, find_model, "nowhere,1")
    with pytest.raises(InputError, match="is there memory"):
        in_fresh_process(1, os._exit, 9)
