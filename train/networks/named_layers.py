"""Layers whose nodes and parameters carry given names, so that a graph's files have InsightFace's names.

Gluon's own layers make names up (``conv0_fwd``, ``running_mean``). These take the node's name and derive the
parameters' from it as MXNet's symbols do: ``<node>_weight``, ``<node>_moving_mean``.
"""

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()


class NamedLayer(mx.gluon.HybridBlock):
    """A layer that is one node. Its blocks have no prefix: names are whole."""

    def __init__(self, node, **attributes):
        super().__init__(prefix="")
        self.node = node
        self.attributes = attributes

    def _parameter(self, suffix, **options):
        return self.params.get(f"{self.node}_{suffix}", shape=None, allow_deferred_init=True, **options)


class Convolution(NamedLayer):
    """2-D convolution.

    Args:
        node: name of the node.
        channels: output channels.
        kernel, stride, pad: pixels, an int for both axes or (height, width).
        groups: of channels; ``groups == channels`` is a depthwise convolution.
        bias: whether there is one; ``<node>_bias`` starts at 0.
    """

    def __init__(self, node, channels, kernel, stride=1, pad=0, groups=1, bias=False):
        super().__init__(
            node,
            num_filter=channels,
            kernel=_pair(kernel),
            stride=_pair(stride),
            pad=_pair(pad),
            num_group=groups,
            no_bias=not bias,
        )
        self.weight = self._parameter("weight")
        if bias:
            self.bias = self._parameter("bias", init="zeros")

    def hybrid_forward(self, F, x, weight, bias=None):
        return F.Convolution(x, weight, *([] if bias is None else [bias]), name=self.node, **self.attributes)


class FullyConnected(NamedLayer):
    """Dense layer on the flattened input: (N, ...) -> (N, units).

    ``weight_name`` names the weight where it is not ``<node>_weight``; ``weight_options`` go to its `Parameter`.
    """

    def __init__(self, node, units, bias=True, weight_name=None, **weight_options):
        super().__init__(node, num_hidden=units, no_bias=not bias)
        name = weight_name or f"{node}_weight"
        self.weight = self.params.get(name, shape=None, allow_deferred_init=True, **weight_options)
        if bias:
            self.bias = self._parameter("bias", init="zeros")

    def hybrid_forward(self, F, x, weight, bias=None):
        return F.FullyConnected(x, weight, *([] if bias is None else [bias]), name=self.node, **self.attributes)


class BatchNorm(NamedLayer):
    """Batch normalisation over the channels, axis 1. ``fix_gamma`` holds gamma at 1 whatever its array says."""

    def __init__(self, node, fix_gamma=False, eps=2e-5, momentum=0.9):
        super().__init__(node, fix_gamma=fix_gamma, eps=eps, momentum=momentum)
        self.gamma = self._parameter("gamma", init="ones", grad_req="null" if fix_gamma else "write")
        self.beta = self._parameter("beta", init="zeros")
        self.moving_mean = self._parameter("moving_mean", init="zeros", grad_req="null")
        self.moving_var = self._parameter("moving_var", init="ones", grad_req="null")

    def hybrid_forward(self, F, x, gamma, beta, moving_mean, moving_var):
        return F.BatchNorm(x, gamma, beta, moving_mean, moving_var, name=self.node, **self.attributes)

    def cast(self, dtype):
        """Statistics stay float32: MXNet's float16 BatchNorm takes float32 parameters."""
        super().cast("float32" if dtype == "float16" else dtype)


class Activation(NamedLayer):
    """``"prelu"`` (slope ``<node>_gamma`` a channel, starts at 0.25), or MXNet's ``"relu"``, ``"sigmoid"``."""

    def __init__(self, node, kind):
        super().__init__(node, act_type=kind)
        if kind == "prelu":
            self.gamma = self._parameter("gamma", init=mx.init.Constant(0.25))

    def hybrid_forward(self, F, x, gamma=None):
        if gamma is None:
            return F.Activation(x, name=self.node, **self.attributes)
        return F.LeakyReLU(x, gamma, name=self.node, **self.attributes)


class Pooling(NamedLayer):
    """``"max"`` or ``"avg"`` over windows of ``kernel`` pixels, whole windows only; over the whole map without one."""

    def __init__(self, node, kind, kernel=None, stride=1, pad=0):
        if kernel is None:
            # MXNet once wanted a kernel here too, without a use for it.
            super().__init__(node, pool_type=kind, global_pool=True, kernel=(7, 7))
        else:
            super().__init__(node, pool_type=kind, kernel=_pair(kernel), stride=_pair(stride), pad=_pair(pad))

    def hybrid_forward(self, F, x):
        return F.Pooling(x, name=self.node, **self.attributes)


class Dropout(NamedLayer):
    """Zeroes the share ``rate`` of the elements in training, nothing elsewhere."""

    def __init__(self, node, rate):
        super().__init__(node, p=rate)

    def hybrid_forward(self, F, x):
        return F.Dropout(x, name=self.node, **self.attributes)


class Flatten(NamedLayer):
    """(N, C, H, W) to (N, C H W)."""

    def hybrid_forward(self, F, x):
        return F.Flatten(x, name=self.node)


class Sequence(mx.gluon.nn.HybridSequential):
    """Layers one after another."""

    def __init__(self, *layers):
        super().__init__(prefix="")
        self.add(*layers)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)
