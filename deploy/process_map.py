"""Work on many processes whose results come back in the order of the work."""

import collections
import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cv2

from insightrec.recordio_tools.errors import InputError

_AHEAD = 16  # items a process may be ahead of the consumer; one slow item does not stop the others so soon
_start_error = None  # in a worker: what its start raised


def process_map(function, items, *, processes, start=None, start_args=()):
    """Like ``map(function, items)``, computed by ``processes`` processes, a bounded way ahead.

    The order and the results do not depend on ``processes``. With 1, all is done in this process. Otherwise the
    workers are fresh ones (spawned, not forked: ONNX Runtime's sessions do not survive a fork), so ``function``,
    ``start``, the items and the results have to be picklable. Workers use one OpenCV thread each, leave Ctrl-C to
    this process and end with it, even if it is killed.

    Args:
        function: of one item; what it raises is raised here, where its result would have come.
        start: called once in each process before its first item, with ``start_args``: to load a model.

    Yields:
        the results, in the order of ``items``.

    Raises:
        InputError: a worker was killed, as the system does when memory runs out.
    """
    if processes == 1:
        if start is not None:
            start(*start_args)
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(start, start_args)
    )
    items, waiting = iter(items), collections.deque()

    def hand_out():
        for item in itertools.islice(items, processes * _AHEAD - len(waiting)):
            waiting.append(pool.submit(_apply, function, item))

    try:
        with _interrupts_ignored():  # the first items start the workers, which inherit that
            hand_out()
        while waiting:
            yield waiting.popleft().result()
            hand_out()
    except BrokenProcessPool:
        raise InputError(
            f"one of {processes} worker processes was killed, as the system does when memory runs out; "
            "use fewer processes"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(start, start_args):
    """Prepare a worker; an error is kept for its first item, as the pool would only say that it broke."""
    global _start_error
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    try:
        if start is not None:
            start(*start_args)
    except Exception as error:
        _start_error = error


def _end_with_parent():
    """End this process when its parent is gone: the pool's workers would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _apply(function, item):
    if _start_error is not None:
        raise _start_error
    return function(item)


@contextlib.contextmanager
def _interrupts_ignored():
    """Ignore Ctrl-C for a moment; processes started meanwhile ignore it always."""
    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
