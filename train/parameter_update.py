"""The update of the parameters: gradients summed over devices and workers, then SGD on every device's replica.

The optimizer never runs on the key-value store: a server keeps the learning rate it was started with.
"""

import os

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError, ModelError

mx = import_mxnet()

PLACES = ("DMLC_ROLE", "DMLC_PS_ROOT_URI", "DMLC_PS_ROOT_PORT", "DMLC_NUM_WORKER", "DMLC_NUM_SERVER")
DISTRIBUTED = ("dist_sync", "dist_device_sync")
DECAYING = ("_weight", "_gamma")  # endings of names that decay, MXNet's rule; biases and beta do not
GROUP = 50  # parameters updated by one call; MXNet's kernels take at most 60
MOMENTUM, MASTER = "momentum:", "master:"  # arrays of the optimizer by parameter


def create_kvstore(name, devices):
    """The store that sums gradients, or None where there is nothing to sum; its rank and num_workers are the run's.

    Args:
        name: "device", "dist_sync" or "dist_device_sync". The last two need the scheduler and the servers, found by
            the DMLC_* variables; the call waits for them.
        devices: number of devices of this worker.

    Raises:
        InputError: another name.
    """
    if name in DISTRIBUTED:
        absent = [variable for variable in PLACES if variable not in os.environ]
        if absent:
            raise InputError(f"--kvstore {name}: expected {', '.join(absent)} in the environment; see README, Training")
        return mx.kv.create(name)
    if name != "device":
        raise InputError(f"--kvstore: expected device, {' or '.join(DISTRIBUTED)}, found {name!r}")
    return mx.kv.create(name) if devices > 1 else None


class ParameterUpdate:
    """SGD with momentum for the parameters of one model.

    Args:
        parameters: initialised Gluon parameters by name, replicated on the devices. All are set to rank 0's values if
            the store is distributed; those with ``grad_req`` "null" take no further part.
        momentum, wd: of SGD; ``wd`` is the weight decay.
        kvstore: from `create_kvstore`.
        compat_wd: every parameter decays alike and multipliers are ignored, as in InsightFace's trainer, which
            released models were trained with. By default a parameter's own ``lr_mult`` and ``wd_mult`` count, and
            only names ending in ``_weight`` or ``_gamma`` decay.
    """

    def __init__(self, parameters, momentum=0.9, wd=0.0005, *, kvstore=None, compat_wd=False):
        self._kvstore = kvstore
        if kvstore is not None:
            for name, parameter in parameters.items():
                kvstore.broadcast(name, parameter.list_data()[0], parameter.list_data())
        self._trained = {name: parameter for name, parameter in parameters.items() if parameter.grad_req != "null"}
        self._optimizer = mx.optimizer.SGD(
            momentum=momentum, wd=wd, multi_precision=True, param_idx2name=dict(enumerate(self._trained))
        )
        self._optimizer.set_lr_mult(
            {name: 1.0 if compat_wd else parameter.lr_mult for name, parameter in self._trained.items()}
        )
        self._optimizer.set_wd_mult(
            {
                name: 1.0 if compat_wd else parameter.wd_mult * name.endswith(DECAYING)
                for name, parameter in self._trained.items()
            }
        )
        self._states = [
            [self._optimizer.create_state_multi_precision(index, weight) for weight in parameter.list_data()]
            for index, parameter in enumerate(self._trained.values())
        ]
        self._groups = _groups(self._trained.values())

    @property
    def gradients(self):
        """The first device's gradients, NDArrays; the same on all devices after `reduce_gradients`."""
        return [parameter.list_grad()[0] for parameter in self._trained.values()]

    def reduce_gradients(self):
        """Replace every device's gradients by their sum over all devices and workers."""
        if self._kvstore is not None:
            for index, (name, parameter) in enumerate(self._trained.items()):
                self._kvstore.pushpull(name, parameter.list_grad(), priority=-index)

    def update(self, rate, rescale):
        """One step of SGD with the reduced gradients.

        Args:
            rate: learning rate.
            rescale: factor of the gradients: 1 / images of all devices and workers where they are of summed losses,
                1 / devices and workers where they are of means; divided by the loss scale.
        """
        self._optimizer.set_learning_rate(rate)
        self._optimizer.rescale_grad = rescale
        weights = [parameter.list_data() for parameter in self._trained.values()]
        gradients = [parameter.list_grad() for parameter in self._trained.values()]
        for group in self._groups:
            for device in range(len(weights[group[0]])):
                arrays = ([copies[index][device] for index in group] for copies in (weights, gradients, self._states))
                self._optimizer.update_multi_precision(group, *arrays)

    def states(self):
        """The optimizer's arrays, float32 NumPy, the same whatever the number of devices.

        ``momentum:NAME`` (none at momentum 0), and ``master:NAME`` for the float32 weights behind float16 ones.
        """
        return {name: copies[0].asnumpy() for name, copies in self._arrays().items()}

    def load_states(self, states):
        """Go on from `states` of an earlier run, on any number of devices.

        Raises:
            ModelError: arrays are missing or of another shape.
        """
        for name, copies in self._arrays().items():
            shape = np.shape(states[name]) if name in states else "none"
            if shape != copies[0].shape:
                raise ModelError(
                    f"optimizer state {name}: expected shape {copies[0].shape}, found {shape}; resume with the "
                    f"network, --mom and --dtype of the checkpoint"
                )
            for copy in copies:
                copy[:] = states[name]

    def _arrays(self):
        """Name of an array to its NDArrays, one a device."""
        arrays = {}
        for (name, parameter), states in zip(self._trained.items(), self._states):
            if np.dtype(parameter.dtype) == np.float16:
                arrays[MASTER + name] = [master for _, master in states]
                states = [momentum for momentum, _ in states]
            if states[0] is not None:
                arrays[MOMENTUM + name] = states
        return arrays


def _groups(parameters):
    """Indices of parameters of one dtype, at most `GROUP` together."""
    alike = {}
    for index, parameter in enumerate(parameters):
        alike.setdefault(np.dtype(parameter.dtype), []).append(index)
    return [indices[start : start + GROUP] for indices in alike.values() for start in range(0, len(indices), GROUP)]
