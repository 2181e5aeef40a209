"""Ctrl-C between the steps of a long count, so that what is saved then is whole."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def deferred_interrupt():
    """In the ``with`` block the first interrupt only sets the `threading.Event` given; the second raises as always.

    Outside the main thread, where Python takes no signals, and where interrupts are ignored, nothing changes.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield asked
        return

    def note(number, frame):
        if asked.is_set():
            before(number, frame)
        asked.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
