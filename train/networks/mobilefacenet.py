"""MobileFaceNet, ``y1`` and ``y2`` (Chen et al., CCBR 2018, arXiv 1804.07573)."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Sequence

mx = import_mxnet()

BLOCKS = {1: (1, 4, 6, 2), 2: (2, 8, 16, 4)}  # residual blocks on maps of 56, 28, 14 and 7 pixels
# Name, output channels, channels inside the strided block that begins the stage and inside its residual blocks.
STAGES = ((3, 64, 128, 128), (4, 128, 256, 256), (5, 128, 512, 256))
LAST_CHANNELS = 512


def build(number, options):
    return MobileFaceNet(BLOCKS[number], options)


class MobileFaceNet(FaceNetwork):
    """Bottlenecks with depthwise convolutions; 112x112 images end as 7x7.

    Without a ``version_output`` it has the head GDC as the released model of April 2018: the dense layer's weight is
    called ``fc1_weight`` and decays ten times as fast. ``version_output="GDC"`` is the head of late 2018, the same
    but for these two.
    """

    initializer = mx.init.Xavier(rnd_type="gaussian", factor_type="out", magnitude=2)

    def __init__(self, blocks, options):
        super().__init__()
        momentum = options.bn_momentum
        first, *rest = blocks
        layers = convolution("conv_1", 64, momentum, kernel=3, stride=2)
        if first == 1:
            layers += convolution("conv_2_dw", 64, momentum, kernel=3, groups=64)
        else:
            layers += [Residual(*bottleneck(f"res_2_block{i}", 64, 64, momentum)) for i in range(first)]
        for count, (stage, width, entering, inner) in zip(rest, STAGES):
            layers += bottleneck(f"dconv_{stage - 1}{stage}", entering, width, momentum, stride=2)
            layers += [Residual(*bottleneck(f"res_{stage}_block{i}", inner, width, momentum)) for i in range(count)]
        layers += convolution("conv_6sep", LAST_CHANNELS, momentum)
        self.body = Sequence(*layers)
        head = options.version_output
        as_released = {"weight_name": "fc1_weight", "wd_mult": 10.0} if head is None else {}
        self.head = EmbeddingHead(head or "GDC", options.embedding_size, LAST_CHANNELS, momentum, **as_released)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class Residual(Sequence):
    """Layers and a shortcut around them."""

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x) + x


def bottleneck(name, inner, channels, momentum, stride=1):
    """1x1 to ``inner`` channels, 3x3 depthwise, 1x1 to ``channels`` without activation: a list of layers."""
    return [
        *convolution(f"{name}_conv_sep", inner, momentum),
        *convolution(f"{name}_conv_dw", inner, momentum, kernel=3, stride=stride, groups=inner),
        *convolution(f"{name}_conv_proj", channels, momentum)[:-1],
    ]


def convolution(name, channels, momentum, kernel=1, stride=1, groups=1):
    """Convolution, batch normalisation and PReLU: a list of layers."""
    return [
        Convolution(f"{name}_conv2d", channels, kernel, stride=stride, pad=kernel // 2, groups=groups),
        BatchNorm(f"{name}_batchnorm", eps=1e-3, momentum=momentum),
        Activation(f"{name}_relu", "prelu"),
    ]
