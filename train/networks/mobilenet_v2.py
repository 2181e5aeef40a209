"""MobileNetV2 for faces, ``m2`` (Sandler et al., CVPR 2018).

Upstream made this graph of Gluon's own layers, so its names (``conv0_fwd``, ``running_mean``) are Gluon's.
"""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Sequence

mx = import_mxnet()
nn = mx.gluon.nn

STEM_CHANNELS = 32
STAGES = (  # expansion, output channels, blocks, stride of the first: the paper's table 2, two strides of it less
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 1),
    (6, 96, 3, 2),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST_CHANNELS = 1280


def build(number, options):
    return MobileNetV2(options)


class MobileNetV2(FaceNetwork):
    """Inverted residuals; 112x112 images end as 7x7. All blocks of a stage expand the width of the stage before."""

    def __init__(self, options):
        super().__init__()
        momentum = options.bn_momentum
        layers = convolution("", 0, STEM_CHANNELS, momentum, kernel=3, relu=0)
        entering, index = STEM_CHANNELS, 0
        for expansion, channels, blocks, stride in STAGES:
            inner = expansion * entering
            layers.append(InvertedResidual(index, inner, channels, momentum, stride, is_first=True))
            for block in range(index + 1, index + blocks):
                layers.append(InvertedResidual(block, inner, channels, momentum))
            entering, index = channels, index + blocks
        layers += convolution("mobilenetv20_hybridsequential0_", 0, LAST_CHANNELS, momentum, relu=0)
        self.body = Sequence(*layers)
        self.head = EmbeddingHead(options.version_output, options.embedding_size, LAST_CHANNELS, momentum)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class InvertedResidual(mx.gluon.HybridBlock):
    """1x1 to ``inner`` channels, 3x3 depthwise, 1x1 to ``channels`` without activation; a shortcut unless strided.

    ``is_first`` in its stage: the shortcut is a 1x1 convolution to ``channels``.
    """

    def __init__(self, index, inner, channels, momentum, stride=1, is_first=False):
        super().__init__(prefix="")
        name = f"invertedresidual{index}_"
        self.sum_name = f"{name}elemwise_add0"
        self.body = Sequence(
            *convolution(name, 0, inner, momentum, relu=0),
            *convolution(name, 1, inner, momentum, kernel=3, stride=stride, groups=inner, relu=1),
            *convolution(name, 2, channels, momentum),
        )
        self.shortcut = None
        if stride == 1:
            self.shortcut = Sequence(*(convolution(name, 3, channels, momentum, relu=2) if is_first else []))

    def hybrid_forward(self, F, x):
        body = self.body(x)
        return body if self.shortcut is None else F.elemwise_add(body, self.shortcut(x), name=self.sum_name)


def convolution(name, index, channels, momentum, kernel=1, stride=1, groups=1, relu=None):
    """Convolution, batch normalisation and, where it has an index, ReLU: a list of layers."""
    prefix = f"{name}conv{index}_"
    layers = [
        nn.Conv2D(channels, kernel, stride, kernel // 2, groups=groups, use_bias=False, prefix=prefix),
        nn.BatchNorm(momentum=momentum, prefix=f"{name}batchnorm{index}_"),
    ]
    if relu is not None:
        layers.append(nn.Activation("relu", prefix=f"{name}relu{relu}_"))
    return layers
