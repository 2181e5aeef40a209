import os

import pytest

from insightrec.recordio_tools.usable_cores import usable_cores


def test_cores_that_this_process_is_bound_to():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system binds no processes to cores")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == len(before)


def test_where_the_system_does_not_say(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
