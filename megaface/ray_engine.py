"""Blocks counted by the processes of a Ray cluster: the one that RAY_ADDRESS names, else one on this machine."""

import contextlib
import functools
import os

from insightrec.recordio_tools.errors import InputError, one_line


class RayEngine(contextlib.ExitStack):
    """A context manager that runs functions as Ray tasks, see `ThreadEngine`.

    Args:
        workers: tasks at a time; the processes of a cluster that is started here.

    Raises:
        InputError: Ray is not installed; on entering: the cluster cannot be reached or started.
    """

    def __init__(self, workers):
        super().__init__()
        self.workers = workers
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports its use to its makers
        try:
            import ray
        except ImportError as error:
            raise InputError(f"Ray cannot be imported ({one_line(error)}); pip install 'insightrec[ray]'") from None
        self._ray = ray

    def __enter__(self):
        where = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": self.workers, "include_dashboard": False}
        try:
            self._ray.init(log_to_driver=False, logging_level="error", **where)
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"Ray cannot be started ({one_line(error)}); check RAY_ADDRESS") from None
        self.callback(self._ray.shutdown)
        return self

    def bind(self, function, value):
        """A function that starts ``function(value, *args)`` as a task; ``value`` goes to the cluster's store once."""
        return functools.partial(self._ray.remote(function).remote, self._ray.put(value))

    def result(self, submitted):
        """What a function that was started returns, or raises, when it is done."""
        try:
            return self._ray.get(submitted)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayError as error:
            raise InputError(f"a task of Ray failed ({one_line(error)}); run again with --resume") from None
