"""Ctrl-C and termination, kept until the step that runs is done, so that what was learnt can be saved."""

import signal


class Interruption:
    """While the ``with`` block runs, the first SIGINT or SIGTERM sets `requested`; the next one is not held back.

    Works in the main thread, where Python delivers signals.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested = False

    def __enter__(self):
        self._before = {number: signal.signal(number, self._request) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
