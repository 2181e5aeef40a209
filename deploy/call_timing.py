"""How long one call takes: wall-clock time over many calls, in a process of its own."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

import numpy as np

from insightrec.recordio_tools.errors import InputError

THREADS = "OMP_NUM_THREADS"  # read once, when a library with OpenMP is loaded


class CallTiming(NamedTuple):
    """Of one call that works on a number of images."""

    median_ms: float
    p95_ms: float  # 95 of 100 calls take no longer
    images_per_s: float  # at the median


def time_calls(work, runs, warm_up):
    """Seconds of each of ``runs`` calls of ``work()``, float64 (runs,), after ``warm_up`` calls that do not count."""
    for _ in range(warm_up):
        work()
    seconds = np.empty(runs)
    for run in range(runs):
        start = time.perf_counter()
        work()
        seconds[run] = time.perf_counter() - start
    return seconds


def summarize(seconds, images):
    """The `CallTiming` of calls that took ``seconds``, each on ``images`` images."""
    median = float(np.median(seconds))
    return CallTiming(1e3 * median, 1e3 * float(np.percentile(seconds, 95)), images / median)


def in_fresh_process(threads, function, *arguments):
    """``function(*arguments)`` in a new Python process in which OpenMP has ``threads`` threads.

    Nothing that ran before slows it down, and libraries that read their number of threads at import obey.

    Raises:
        InputError: the process was killed, most likely for memory; and what ``function`` raises.
    """
    before = os.environ.get(THREADS)
    os.environ[THREADS] = str(threads)
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(function, *arguments).result()
    except BrokenProcessPool:
        raise InputError("a process of the benchmark was killed; is there memory for this batch size?") from None
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
