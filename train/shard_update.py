"""The update of a class-parallel head: SGD on each device's own rows, which no other device holds."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.parameter_update import MOMENTUM

mx = import_mxnet()


class ShardUpdate:
    """SGD with momentum for a `ClassParallelHead`; as `ParameterUpdate`, of which it is the counterpart.

    Args:
        head: the `ClassParallelHead`; its multipliers count unless ``compat_wd``.
        momentum, wd, compat_wd: as of `ParameterUpdate`.
    """

    def __init__(self, head, momentum=0.9, wd=0.0005, *, compat_wd=False):
        self._head = head
        self._optimizer = mx.optimizer.SGD(momentum=momentum, wd=wd)
        if compat_wd:
            head.lr_mult = dict.fromkeys(head.lr_mult, 1.0)
            head.wd_mult = dict.fromkeys(head.wd_mult, 1.0)

    @property
    def gradients(self):
        """Of the rows that took part in the step, NDArrays on their devices."""
        return self._head.gradients()

    def reduce_gradients(self):
        """Nothing: every row's gradient is on the one device that holds it."""

    def update(self, rate, rescale):
        """One step of SGD; arguments as `ParameterUpdate.update`."""
        self._optimizer.set_learning_rate(rate)
        self._optimizer.rescale_grad = rescale
        self._head.update(self._optimizer)

    def states(self):
        """Whole arrays by name, float32 NumPy, whatever the number of devices."""
        return {MOMENTUM + name: array for name, array in self._head.states().items()}

    def load_states(self, states):
        """Go on from `states` of an earlier run, on any number of devices."""
        momentum = {name[len(MOMENTUM) :]: array for name, array in states.items() if name.startswith(MOMENTUM)}
        arrays = self._head.arrays()
        self._head.load(arrays, {name: momentum[name] for name in arrays if name in momentum})
