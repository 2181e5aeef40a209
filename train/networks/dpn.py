"""Dual path networks for faces, ``p68`` to ``p131`` (Chen et al., NIPS 2017): a residual and a dense path in one."""

from typing import NamedTuple

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.face_stem import stem_layers
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Sequence

mx = import_mxnet()


class DpnSize(NamedTuple):
    inner: int  # channels of the grouped convolutions in the first stage
    groups: int
    blocks: tuple  # in each of the four stages
    growth: tuple  # channels that a block appends to the dense path


SIZES = {
    68: DpnSize(128, 32, (3, 4, 12, 3), (16, 32, 32, 64)),
    92: DpnSize(96, 32, (3, 4, 20, 3), (16, 32, 24, 128)),
    107: DpnSize(200, 50, (4, 8, 20, 3), (20, 64, 64, 128)),
    131: DpnSize(160, 40, (4, 8, 28, 3), (16, 32, 32, 128)),
}
RESIDUAL_CHANNELS = 256  # in the first stage
IMAGE_STEM_CHANNELS = 128


def build(number, options):
    return DPN(SIZES[number], options)


class DPN(FaceNetwork):
    """Stages double the widths, and halve the map but for the first; 112x112 images end as 7x7."""

    def __init__(self, size, options):
        super().__init__()
        momentum = options.bn_momentum
        self.stem = Sequence(*stem_layers(options, IMAGE_STEM_CHANNELS))
        self.blocks = Sequence()
        for stage, (count, growth) in enumerate(zip(size.blocks, size.growth)):
            inner, residual = size.inner << stage, RESIDUAL_CHANNELS << stage
            for block in range(1, count + 1):
                start_stride = (2 if stage else 1) if block == 1 else None
                name = f"conv{stage + 2}_x__{block}"
                self.blocks.add(DualPathBlock(name, inner, size.groups, residual, growth, momentum, start_stride))
        channels = residual + (count + 2) * growth
        self.head = EmbeddingHead(options.version_output, options.embedding_size, channels, momentum)

    def hybrid_forward(self, F, x):
        paths = [self.stem((x - PIXEL_MEAN) * PIXEL_SCALE)]
        for block in self.blocks:
            paths = block(*paths)
        return self.head(F.Concat(*paths, dim=1, name="conv5_x_x_cat-final"))


class DualPathBlock(mx.gluon.HybridBlock):
    """1x1 and grouped 3x3 to ``inner`` channels, then 1x1: ``residual`` channels are added, ``growth`` appended.

    ``start_stride`` where the block starts a stage: both paths begin with a 1x1 convolution of that stride.
    """

    def __init__(self, name, inner, groups, residual, growth, momentum, start_stride=None):
        super().__init__(prefix="")
        self.node, self.residual = name, residual
        self.body_name = f"{name}_c1x1-c"
        self.start = None
        if start_stride:
            self.start_name = f"{name}_c1x1-w(s/{start_stride})"
            self.start = Sequence(*convolution(self.start_name, residual + 2 * growth, momentum, stride=start_stride))
        self.body = Sequence(
            *convolution(f"{name}_c1x1-a", inner, momentum),
            *convolution(f"{name}_c3x3-b", inner, momentum, kernel=3, stride=start_stride or 1, groups=groups),
            *convolution(self.body_name, residual + growth, momentum),
        )

    def hybrid_forward(self, F, residual, dense=None):
        x = residual if dense is None else F.Concat(residual, dense, dim=1, name=f"{self.node}_cat-input")
        if self.start is not None:
            residual, dense = self._split(F, self.start(x), self.start_name)
        added, appended = self._split(F, self.body(x), self.body_name)
        residual = F.add_n(residual, added, name=f"{self.node}_sum")
        return residual, F.Concat(dense, appended, dim=1, name=f"{self.node}_cat")

    def _split(self, F, x, name):
        return (
            F.slice_axis(x, axis=1, begin=0, end=self.residual, name=f"{name}-split1"),
            F.slice_axis(x, axis=1, begin=self.residual, end=None, name=f"{name}-split2"),
        )


def convolution(name, channels, momentum, kernel=1, stride=1, groups=1):
    """Batch normalisation, ReLU and convolution: a list of layers."""
    return [
        BatchNorm(f"{name}__bn__bn", eps=1e-3, momentum=momentum),
        Activation(f"{name}__ac__relu", "relu"),
        Convolution(f"{name}__conv", channels, kernel, stride=stride, pad=kernel // 2, groups=groups),
    ]
