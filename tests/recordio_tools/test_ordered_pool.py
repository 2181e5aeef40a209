import threading
import time

import pytest

from insightrec.recordio_tools import ordered_pool
from insightrec.recordio_tools.ordered_pool import ordered_map


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
def test_results_come_in_order(threads, count):
    assert list(ordered_map(lambda number: number * 2, range(count), threads)) == list(range(0, 2 * count, 2))


def test_runs_only_a_bounded_way_ahead():
    taken = []
    results = ordered_map(lambda number: number, (taken.append(number) or number for number in range(10**6)), 2)
    for _ in range(100):
        next(results)
    assert len(taken) < 100 + 2 * 5 * 32
    results.close()


def test_runs_as_far_ahead_as_it_is_told_to():
    done = threading.Event()
    results = ordered_map(lambda number: number == 999 and done.set(), range(10**6), 1, least_ahead=1000)
    next(results)
    assert done.wait(10)
    results.close()


def test_an_exception_comes_where_its_result_would():
    def check(number):
        if number == 40:
            raise ValueError("forty")
        return number

    results = ordered_map(check, range(1000), 2)
    assert [next(results) for _ in range(32)] == list(range(32))
    with pytest.raises(ValueError, match="forty"):
        list(results)


def test_threads_work_at_the_same_time():
    together = threading.Barrier(2, timeout=10)
    list(ordered_map(lambda number: together.wait() if number in (0, 32) else time.sleep(0), range(64), 2))


def test_threads_are_at_most_four_a_core(monkeypatch):
    asked = []
    pool = ordered_pool.ThreadPoolExecutor
    monkeypatch.setattr(ordered_pool, "ThreadPoolExecutor", lambda count: asked.append(count) or pool(count))
    monkeypatch.setattr(ordered_pool, "usable_cores", lambda: 1)
    assert list(ordered_map(abs, range(-3, 0), 10**6)) == [3, 2, 1]
    assert asked == [4]
