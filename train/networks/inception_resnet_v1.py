"""Inception-ResNet-v1, the network of FaceNet's open models (Szegedy et al., arXiv 1602.07261, 2016).

Its embedding is 128 numbers wide in Schroff et al. (CVPR 2015), 128 or 512 in the models. The names are our own.
"""

from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.inception_layers import Conv, InceptionLayers, Pool
from insightrec.train.networks.named_layers import (
    Activation,
    BatchNorm,
    Convolution,
    Dropout,
    FullyConnected,
    Pooling,
    Sequence,
)

STEM = (
    *(Conv(32, 3, stride=2), Conv(32, 3), Conv(64, 3, pad=1), Pool("max")),
    *(Conv(80), Conv(192, 3), Conv(256, 3, stride=2)),
)
BLOCK_35 = (
    (Conv(32),),
    (Conv(32), Conv(32, 3, pad=1)),
    (Conv(32), Conv(32, 3, pad=1), Conv(32, 3, pad=1)),
)
REDUCTION_A = (
    (Conv(384, 3, stride=2),),
    (Conv(192), Conv(192, 3, pad=1), Conv(256, 3, stride=2)),
    (Pool("max"),),
)
BLOCK_17 = (
    (Conv(128),),
    (Conv(128), Conv(128, (1, 7), pad=(0, 3)), Conv(128, (7, 1), pad=(3, 0))),
)
REDUCTION_B = (
    (Conv(256), Conv(384, 3, stride=2)),
    (Conv(256), Conv(256, 3, stride=2)),
    (Conv(256), Conv(256, 3, pad=1), Conv(256, 3, stride=2)),
    (Pool("max"),),
)
BLOCK_8 = (
    (Conv(192),),
    (Conv(192), Conv(192, (1, 3), pad=(0, 1)), Conv(192, (3, 1), pad=(1, 0))),
)
DROPOUT = 0.2


def build(number, options):
    return InceptionResNetV1(options)


class InceptionResNetV1(FaceNetwork):
    """160x160 images end as 3x3, 112x112 as 2x2; their average goes to the embedding."""

    def __init__(self, options):
        super().__init__()
        layers = FaceNetLayers(options.bn_momentum)
        self.body = Sequence(
            layers.path("stem", STEM),
            *layers.residuals("block35", 5, BLOCK_35, channels=256, scale=0.17),
            layers.branches("reduction_a", REDUCTION_A),
            *layers.residuals("block17", 10, BLOCK_17, channels=896, scale=0.1),
            layers.branches("reduction_b", REDUCTION_B),
            *layers.residuals("block8", 5, BLOCK_8, channels=1792, scale=0.2),
            layers.residual("block8_last", BLOCK_8, channels=1792, scale=1.0, activated=False),
        )
        self.head = Sequence(
            Pooling("pool1", "avg"),
            Dropout("dropout1", DROPOUT),
            FullyConnected("pre_fc1", options.embedding_size, bias=False),
            layers.norm("fc1"),
        )

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class FaceNetLayers(InceptionLayers):
    """Layers named after their place. Batch normalisation has no gamma; only what has none after it has a bias."""

    def __init__(self, momentum):
        self.momentum = momentum

    def norm(self, name):
        return BatchNorm(name, fix_gamma=True, eps=1e-3, momentum=self.momentum)

    def linear(self, name, conv):
        return [Convolution(name, *conv, bias=True)]

    def unit(self, name, conv):
        return [Convolution(name, *conv), self.norm(f"{name}_bn"), self.relu(name)]

    def relu(self, name):
        return Activation(f"{name}_relu", "relu")

    def pool(self, name, pool):
        return Pooling(name, *pool)
