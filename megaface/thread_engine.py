"""Blocks counted by threads of this process. NumPy's products and loops leave the interpreter to each other."""

import contextlib
import functools
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from insightrec.recordio_tools.usable_cores import usable_cores


class ThreadEngine(contextlib.ExitStack):
    """A context manager that runs functions on threads.

    Args:
        workers: threads. Several share the cores: each of the matrix library's calls then uses its share of them.
    """

    def __init__(self, workers):
        super().__init__()
        self.workers = workers

    def __enter__(self):
        if self.workers > 1:
            self.enter_context(threadpool_limits(max(1, usable_cores() // self.workers), "blas"))
        self._pool = ThreadPoolExecutor(self.workers)
        self.callback(self._pool.shutdown, cancel_futures=True)
        return self

    def bind(self, function, value):
        """A function that starts ``function(value, *args)`` and returns what `result` takes."""
        return functools.partial(self._pool.submit, function, value)

    def result(self, submitted):
        """What a function that was started returns, or raises, when it is done."""
        return submitted.result()
