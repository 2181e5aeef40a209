"""Workers of a distributed run stop after the same step: one that went on alone would wait for the others for ever."""

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()

KEY = "stop"


class WorkerAgreement:
    """Tells every worker whether any of them is to stop.

    Args:
        kvstore: that of a distributed run, or None for a run of one process.
    """

    def __init__(self, kvstore=None):
        self._kvstore = kvstore
        if kvstore is not None:
            kvstore.init(KEY, mx.nd.zeros(1))

    def any(self, stops):
        """Whether some worker ``stops``; all workers must ask after every step, and wait here for the slowest."""
        if self._kvstore is None:
            return stops
        count = mx.nd.array([stops])
        self._kvstore.pushpull(KEY, count)
        return count.asscalar() > 0
