"""MobileNetV1 for faces, ``m1`` (Howard et al., arXiv 1704.04861, 2017), with PReLU."""

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Sequence

STEM_CHANNELS = 32  # the unit of all widths, before the multiplier
LAYERS = (  # output channels in that unit and stride of the separable layers, from the second on
    *((2, 1), (4, 2), (4, 1), (8, 2), (8, 1)),
    *((16, 2), (16, 1), (16, 1), (16, 1), (16, 1), (16, 1)),
    *((32, 2), (32, 1)),
)


def build(number, options):
    return MobileNetV1(options)


class MobileNetV1(FaceNetwork):
    """Depthwise separable convolutions; 112x112 images end as 7x7 (4x4 with version_input 0)."""

    def __init__(self, options):
        super().__init__()
        momentum = options.bn_momentum
        unit = int(STEM_CHANNELS * options.version_multiplier)
        if unit < 1:
            least = 1 / STEM_CHANNELS
            raise InputError(f"--version-multiplier: expected {least} or more, found {options.version_multiplier}")
        layers = convolution("conv_1", unit, momentum, kernel=3, stride=2 if options.version_input == 0 else 1)
        channels = unit
        for index, (multiple, stride) in enumerate(LAYERS, start=2):
            layers += convolution(f"conv_{index}_dw", channels, momentum, kernel=3, stride=stride, groups=channels)
            channels = multiple * unit
            layers += convolution(f"conv_{index}", channels, momentum)
        self.body = Sequence(*layers)
        self.head = EmbeddingHead(options.version_output, options.embedding_size, channels, momentum)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


def convolution(name, channels, momentum, kernel=1, stride=1, groups=1):
    """Convolution, batch normalisation without gamma, and PReLU: a list of layers."""
    return [
        Convolution(f"{name}_conv2d", channels, kernel, stride=stride, pad=kernel // 2, groups=groups),
        BatchNorm(f"{name}_batchnorm", fix_gamma=True, eps=1e-3, momentum=momentum),
        Activation(f"{name}_relu", "prelu"),
    ]
