"""Inception-ResNet-v2 for faces, ``i2`` (Szegedy et al., arXiv 1602.07261, 2016), as upstream's graph has it.

That graph differs from the paper: no pooling early in the stem, 129 channels and a padding of (1, 2) in block 17.
"""

from itertools import count

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.inception_layers import Conv, InceptionLayers, Pool
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Pooling, Sequence

mx = import_mxnet()

STEM = (Conv(32, 3), Conv(64, 3, pad=1), Conv(80), Conv(192, 3), Pool("max"))  # behind the first convolution
TOWER = (
    (Conv(96),),
    (Conv(48), Conv(64, 5, pad=2)),
    (Conv(64), Conv(96, 3, pad=1), Conv(96, 3, pad=1)),
    (Pool("avg", stride=1, pad=1), Conv(64)),
)
BLOCK_35 = (
    (Conv(32),),
    (Conv(32), Conv(32, 3, pad=1)),
    (Conv(32), Conv(48, 3, pad=1), Conv(64, 3, pad=1)),
)
REDUCTION_A = (
    (Conv(384, 3, stride=2),),
    (Conv(256), Conv(256, 3, pad=1), Conv(384, 3, stride=2)),
    (Pool("max"),),
)
BLOCK_17 = (
    (Conv(192),),
    (Conv(129), Conv(160, (1, 7), pad=(1, 2)), Conv(192, (7, 1), pad=(2, 1))),
)
REDUCTION_B = (
    (Conv(256), Conv(384, 3, stride=2)),
    (Conv(256), Conv(288, 3, stride=2)),
    (Conv(256), Conv(288, 3, pad=1), Conv(320, 3, stride=2)),
    (Pool("max"),),
)
BLOCK_8 = (
    (Conv(192),),
    (Conv(192), Conv(224, (1, 3), pad=(0, 1)), Conv(256, (3, 1), pad=(1, 0))),
)
LAST_CHANNELS = 1536


def build(number, options):
    return InceptionResNetV2(options)


class InceptionResNetV2(FaceNetwork):
    """112x112 images end as 12x12; version_input 0 has a stride of 2 in the first convolution."""

    initializer = mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)

    def __init__(self, options):
        super().__init__()
        layers = NumberedLayers(options.bn_momentum)
        first = Conv(32, 3, stride=2 if options.version_input == 0 else 1)
        self.body = Sequence(
            layers.path("stem", (first, *STEM)),
            layers.branches("tower", TOWER),
            *layers.residuals("block35", 10, BLOCK_35, channels=320, scale=0.17),
            layers.branches("reduction_a", REDUCTION_A),
            *layers.residuals("block17", 20, BLOCK_17, channels=1088, scale=0.1),
            layers.branches("reduction_b", REDUCTION_B),
            *layers.residuals("block8", 9, BLOCK_8, channels=2080, scale=0.2),
            layers.residual("block8_last", BLOCK_8, channels=2080, scale=1.0, activated=False),
            *layers.unit("last", Conv(LAST_CHANNELS)),
        )
        self.head = EmbeddingHead(options.version_output, options.embedding_size, LAST_CHANNELS, options.bn_momentum)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class NumberedLayers(InceptionLayers):
    """Layers under the numbers that MXNet gives to nodes without a name, whatever name they are asked for."""

    def __init__(self, momentum):
        self.momentum = momentum
        self.convolutions, self.activations = count(), count()
        self.poolings = count(1)  # upstream's pooling0 leads nowhere

    def linear(self, name, conv):
        number = next(self.convolutions)
        norm = BatchNorm(f"batchnorm{number}", fix_gamma=True, eps=1e-3, momentum=self.momentum)
        return [Convolution(f"convolution{number}", *conv, bias=True), norm]

    def unit(self, name, conv):
        return [*self.linear(name, conv), self.relu(name)]

    def relu(self, name):
        return Activation(f"activation{next(self.activations)}", "relu")

    def pool(self, name, pool):
        return Pooling(f"pooling{next(self.poolings)}", *pool)
