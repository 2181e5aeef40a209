"""Workers of a distributed run stay in step: one that stopped alone would leave the others waiting for ever."""

import hashlib

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError

mx = import_mxnet()

SETTLE_KEY, SAME_KEY = "settle", "same"
DIGITS = 8  # bytes of a hash that are compared


class WorkerAgreement:
    """What all workers learn of each other, over the store that sums their gradients.

    Args:
        kvstore: that of a distributed run, or None for a run of one process.
    """

    def __init__(self, kvstore=None):
        self._kvstore = kvstore
        if kvstore is not None:
            kvstore.init(SETTLE_KEY, mx.nd.zeros(2))
            kvstore.init(SAME_KEY, mx.nd.zeros(2 * DIGITS))

    def settle(self, stops, failure):
        """Whether to stop; all workers ask after every step, and wait here for the slowest.

        Args:
            stops: whether this worker was interrupted.
            failure: the exception of this worker, or None.

        Raises:
            InputError: another worker has failed. This worker's own failure is raised as it is.
        """
        if self._kvstore is None:
            stopping, failed = stops, failure is not None
        else:
            stopping, failed = (self._sum(SETTLE_KEY, [stops, failure is not None]) > 0).tolist()
        if failure is not None:
            raise failure
        if failed:
            raise InputError("another worker has failed, see its line; this one stops too")
        return stopping

    def check_same(self, text, source):
        """Make sure that all workers have the same ``text``, told apart by its hash; ``source``: what it is of.

        Raises:
            InputError: they do not, on every worker.
        """
        if self._kvstore is None:
            return
        digits = np.frombuffer(hashlib.sha256(text.encode()).digest()[:DIGITS], np.uint8).astype(np.float32)
        # Sums of W equal numbers and of their squares are W d and W d^2, and of no other numbers; float32 holds them.
        sums = self._sum(SAME_KEY, np.concatenate([digits, digits**2]))
        if (sums != self._kvstore.num_workers * np.concatenate([digits, digits**2])).any():
            raise InputError(
                f"{source}: this worker goes on from here, another one does not; all must see the same checkpoints: "
                "give a --prefix in a folder that they share"
            )

    def _sum(self, key, numbers):
        array = mx.nd.array(numbers)
        self._kvstore.pushpull(key, array)
        return array.asnumpy()
