"""Dynamic loss scaling: float16 gradients are kept above underflow by scaling the loss (Micikevicius et al., 2018)."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError

mx = import_mxnet()

FIRST_SCALE, HIGHEST_SCALE = 2.0**16, 2.0**24
GROWTH_STEPS = 2000  # steps without overflow after which the scale doubles
_ARRAYS = 200  # what one multi_all_finite takes: its kernel has so many places and does not check


class LossScale:
    """The factor of the loss; gradients are that much too large until the update divides by it.

    Attributes:
        scale: multiply the loss by it before backward, divide ``rescale`` of the update by it.
    """

    def __init__(self):
        self.scale = FIRST_SCALE
        self.clean_steps = 0  # since the scale last changed

    def accept(self, finite):
        """Adapt to a step whose gradients were all ``finite`` or not; return whether to update with them.

        An overflow halves the scale and the step is skipped; `GROWTH_STEPS` clean ones double it.

        Raises:
            InputError: gradients overflow without any scaling: training has diverged.
        """
        if not finite:
            if self.scale <= 1:
                raise InputError(
                    "gradients are not finite even without loss scaling: training has diverged; lower --lr, or use "
                    "--dtype float32"
                )
            self.scale, self.clean_steps = self.scale / 2, 0
            return False
        self.clean_steps += 1
        if self.clean_steps == GROWTH_STEPS:
            self.scale, self.clean_steps = min(self.scale * 2, HIGHEST_SCALE), 0
        return True

    def state(self):
        """What `load_state` needs to go on exactly; of JSON types."""
        return {"scale": self.scale, "clean_steps": self.clean_steps}

    def load_state(self, state):
        """Go on from `state` of an earlier run."""
        self.scale, self.clean_steps = state["scale"], state["clean_steps"]


def all_finite(arrays):
    """Whether NDArrays hold no infinity and no NaN; of any shapes, floating dtypes and devices.

    Decided on each array's device; one number a group of arrays is waited for.
    """
    groups = {}
    for array in arrays:
        groups.setdefault((array.context, array.dtype), []).append(array)
    flags = [
        mx.nd.multi_all_finite(*group[start : start + _ARRAYS], num_arrays=len(group[start : start + _ARRAYS]))
        for group in groups.values()
        for start in range(0, len(group), _ARRAYS)
    ]
    return all(flag.asscalar() for flag in flags)
