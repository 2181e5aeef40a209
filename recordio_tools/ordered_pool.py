"""Work on many threads whose results come back in the order of the work."""

import collections
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

from insightrec.recordio_tools.usable_cores import usable_cores

_CHUNK = 32  # items a task: a face takes about 0.3 ms, handing over a task about 0.05
_AHEAD = 4  # tasks a thread may be ahead of the consumer, which bounds memory
_PER_CORE = 4  # threads at most; more gain nothing, and the system refuses thousands


def ordered_map(function, items, threads, least_ahead=0):
    """Like ``map(function, items)``, computed by ``threads`` threads (at most 4 a core), a bounded way ahead.

    ``least_ahead`` items may be computed before they are asked for, where the threads' share of 128 each is less.

    The order and the results do not depend on ``threads``. Gains where ``function`` releases the
    interpreter lock, as OpenCV's codecs and file reads do. An exception of ``function`` is raised
    where its result would have come, and what is left is cancelled.
    """
    threads = min(threads, _PER_CORE * usable_cores())
    ahead = max(threads * _AHEAD, math.ceil(least_ahead / _CHUNK))
    items = iter(items)
    waiting = collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(waiting) <= ahead and (chunk := list(itertools.islice(items, _CHUNK))):
                    waiting.append(pool.submit(_apply, function, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _apply(function, chunk):
    return [function(item) for item in chunk]
