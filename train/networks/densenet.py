"""DenseNet-BC for faces, ``d121`` to ``d201`` (Huang et al., CVPR 2017)."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.face_stem import stem_layers
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Dropout, Pooling, Sequence

mx = import_mxnet()

SIZES = {  # growth rate, dense units in each of the four stages
    121: (32, (6, 12, 24, 16)),
    161: (48, (6, 12, 36, 24)),
    169: (32, (6, 12, 32, 32)),
    201: (32, (6, 12, 48, 32)),
}
BOTTLENECK = 4  # channels before a 3x3 convolution over the growth rate
DROPOUT = 0.2


def build(number, options):
    growth, units = SIZES[number]
    return DenseNet(growth, units, options)


class DenseNet(FaceNetwork):
    """Every stage appends ``growth`` channels a unit, then halves the channels and the map; 112x112 ends as 7x7."""

    def __init__(self, growth, units, options):
        super().__init__()
        momentum = options.bn_momentum
        layers = stem_layers(options, 2 * growth)
        channels = 2 * growth  # of the paper's stem; the widths below follow from it whatever the stem
        for stage, count in enumerate(units, 1):
            layers += [DenseUnit(f"DBstage{stage}", unit, growth, momentum) for unit in range(1, count + 1)]
            channels += count * growth
            if stage < len(units):
                channels //= 2
                layers += convolution(f"TBstage{stage}", 1, channels, momentum)
                layers.append(Pooling(f"TBstage{stage}_pool{stage}", "avg", kernel=2, stride=2))
        self.body = Sequence(*layers)
        self.head = EmbeddingHead(options.version_output, options.embedding_size, channels, momentum)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class DenseUnit(mx.gluon.HybridBlock):
    """Appends ``growth`` channels to its input."""

    def __init__(self, stage, unit, growth, momentum):
        super().__init__(prefix="")
        name = f"{stage}_unit{unit}"
        self.concat_name = f"{stage}_concat{unit}"
        self.body = Sequence(
            *convolution(name, 1, BOTTLENECK * growth, momentum),
            *convolution(name, 2, growth, momentum, kernel=3),
        )

    def hybrid_forward(self, F, x):
        return F.Concat(x, self.body(x), dim=1, name=self.concat_name)


def convolution(name, index, channels, momentum, kernel=1):
    """Batch normalisation, ReLU, convolution and dropout: a list of layers."""
    return [
        BatchNorm(f"{name}_bn{index}", momentum=momentum),
        Activation(f"{name}_relu{index}", "relu"),
        Convolution(f"{name}_conv{index}", channels, kernel, pad=kernel // 2),
        Dropout(f"{name}_dp{index}", DROPOUT),
    ]
