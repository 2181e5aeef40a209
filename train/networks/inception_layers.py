"""What both Inception-ResNets are made of: paths of convolutions side by side, joined or added to their input.

A version is tables of paths and an `InceptionLayers` that says how its layers are made and named.
"""

from typing import NamedTuple, Union

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.named_layers import Sequence

mx = import_mxnet()


class Conv(NamedTuple):
    """A convolution of a path; sizes in pixels, an int for both axes or (height, width)."""

    channels: int
    kernel: Union[int, tuple] = 1
    stride: int = 1
    pad: Union[int, tuple] = 0


class Pool(NamedTuple):
    """A pooling of a path, ``"max"`` or ``"avg"``; sizes in pixels."""

    kind: str
    kernel: int = 3
    stride: int = 2
    pad: int = 0


class InceptionLayers:
    """Makes the blocks of a network, in the order in which they run."""

    def linear(self, name, conv):
        """A list of layers: a convolution without activation, the end of a residual."""
        raise NotImplementedError

    def unit(self, name, conv):
        """A list of layers: convolution, batch normalisation, ReLU."""
        raise NotImplementedError

    def relu(self, name):
        raise NotImplementedError

    def pool(self, name, pool):
        raise NotImplementedError

    def path(self, name, path):
        """The `Conv` and `Pool` of ``path`` one after another."""
        layers = []
        for index, layer in enumerate(path, 1):
            if isinstance(layer, Conv):
                layers += self.unit(f"{name}_conv{index}", layer)
            else:
                layers.append(self.pool(f"{name}_pool{index}", layer))
        return Sequence(*layers)

    def branches(self, name, paths):
        """All ``paths`` on one input, joined over the channels."""
        branches = mx.gluon.contrib.nn.HybridConcurrent(axis=1, prefix="")
        for index, path in enumerate(paths, 1):
            branches.add(self.path(f"{name}_branch{index}", path))
        return branches

    def residual(self, name, paths, channels, scale, activated=True):
        """``x + scale * linear(branches(x))``, then ReLU unless it is the last of a network."""
        branches = self.branches(name, paths)
        linear = Sequence(*self.linear(f"{name}_up", Conv(channels)))
        return ScaledResidual(branches, linear, scale, self.relu(name) if activated else None)

    def residuals(self, name, count, paths, channels, scale):
        """A list of ``count`` blocks of `residual`."""
        return [self.residual(f"{name}_{index}", paths, channels, scale) for index in range(1, count + 1)]


class ScaledResidual(mx.gluon.HybridBlock):
    """A residual made small, without which deep Inception-ResNets die in training (section 3.3 of the paper)."""

    def __init__(self, branches, linear, scale, relu):
        super().__init__(prefix="")
        self.branches, self.linear, self.scale, self.relu = branches, linear, scale, relu

    def hybrid_forward(self, F, x):
        x = x + self.linear(self.branches(x)) * self.scale
        return x if self.relu is None else self.relu(x)
