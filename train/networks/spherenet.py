"""SphereFace's network, ``s4`` to ``s104`` (Liu et al., CVPR 2017): no batch normalisation, a plain dense head."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Activation, Convolution, FullyConnected, Sequence

mx = import_mxnet()

UNITS = {  # residual units of two convolutions in each of the four stages
    4: (0, 0, 0, 0),
    10: (0, 1, 2, 0),
    20: (1, 2, 4, 1),
    36: (2, 4, 8, 2),
    60: (3, 8, 14, 3),
    64: (3, 8, 16, 3),
    104: (3, 8, 36, 3),
}


def build(number, options):
    """The `SphereNet` of ``number`` convolutions."""
    return SphereNet(UNITS[number], options.embedding_size)


class SphereNet(FaceNetwork):
    """Every stage halves the map and doubles the channels, from 64; 112x112 images end as 7x7."""

    def __init__(self, units, embedding_size):
        super().__init__()
        layers = []
        for stage, count in enumerate(units, 1):
            channels = 32 << stage
            layers += convolution(stage, 1, channels, stride=2, bias=True)
            for index in range(2, 2 * count + 2, 2):
                layers.append(Residual(*convolution(stage, index, channels), *convolution(stage, index + 1, channels)))
        self.body = Sequence(*layers)
        self.head = FullyConnected("fc1", embedding_size)
        set_bias_rates(self.head)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


class Residual(Sequence):
    """Layers and a shortcut around them."""

    def hybrid_forward(self, F, x):
        return x + super().hybrid_forward(F, x)


def convolution(stage, index, channels, stride=1, bias=False):
    """A convolution of 3x3 and its PReLU: a list of layers."""
    layer = Convolution(f"conv{stage}_{index}", channels, kernel=3, stride=stride, pad=1, bias=bias)
    layer.weight.init = mx.init.Normal(0.01)
    if bias:
        set_bias_rates(layer)
    return [layer, Activation(f"relu{stage}_{index}", "prelu")]


def set_bias_rates(layer):
    """A bias learns twice as fast as the weights and does not decay."""
    layer.bias.lr_mult, layer.bias.wd_mult = 2.0, 0.0
