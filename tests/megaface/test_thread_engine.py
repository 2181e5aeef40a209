"""Threads that count blocks."""

import pytest
from threadpoolctl import threadpool_info

from insightrec.megaface.thread_engine import ThreadEngine


def add(first, second):
    return first + second


@pytest.mark.parametrize("workers", [1, 3])
def test_results_and_errors(workers):
    with ThreadEngine(workers) as engine:
        submit = engine.bind(add, 40)
        assert [engine.result(each) for each in [submit(2), submit(3)]] == [42, 43]
        with pytest.raises(TypeError):
            engine.result(submit("x"))


def test_threads_share_the_cores():
    def blas():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = blas()
    with ThreadEngine(1000):
        assert set(blas()) <= {1}
    assert blas() == before
    with ThreadEngine(1):
        assert blas() == before
