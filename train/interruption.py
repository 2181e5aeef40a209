"""Ctrl-C, termination and a closed terminal, kept until the running step is done, so that it can be saved."""

import signal


class Interruption:
    """While the ``with`` block runs, the first SIGINT, SIGTERM or SIGHUP (not under nohup) sets
    `requested`; the next one is not held back.

    Works in the main thread, where Python delivers signals.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self):
        self.requested = False

    def __enter__(self):
        heard = [number for number in self.SIGNALS if not self._is_nohup(number)]
        self._before = {number: signal.signal(number, self._request) for number in heard}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @staticmethod
    def _is_nohup(number):
        return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN

    def _request(self, number, frame):
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
