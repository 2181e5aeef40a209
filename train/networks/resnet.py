"""ResNets for faces, ``r18`` to ``r269`` (He et al., CVPR 2016; the units and stems of Deng et al., CVPR 2019)."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.embedding_head import EmbeddingHead
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Pooling, Sequence

mx = import_mxnet()

UNITS = {  # in each of the four stages
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    49: (3, 4, 14, 3),
    50: (3, 4, 14, 3),
    74: (3, 6, 24, 3),
    90: (3, 8, 30, 3),
    100: (3, 13, 30, 3),
    101: (3, 4, 23, 3),
    124: (3, 13, 40, 5),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
    269: (3, 30, 48, 8),
}
FIRST_BOTTLENECK = 101
SQUEEZE = 16  # channels over those in the middle of squeeze and excitation


def build(number, options):
    return ResNet(UNITS[number], number >= FIRST_BOTTLENECK, options)


class ResNet(FaceNetwork):
    """A stem and four stages, each of which halves the map; 112x112 images end as 7x7 (4x4 with version_input 0)."""

    initializer = mx.init.Xavier(rnd_type="gaussian", factor_type="out", magnitude=2)

    def __init__(self, units, is_bottleneck, options):
        super().__init__()
        momentum = options.bn_momentum
        if options.version_input == 2:
            self.input_norm = BatchNorm("bn_data", fix_gamma=True, momentum=momentum)
        else:
            self.input_norm = FixedScaling()
        if options.version_input == 0:
            stem = Convolution("conv0", 64, kernel=7, stride=2, pad=3)
        else:
            stem = Convolution("conv0", 64, kernel=3, pad=1)
        layers = [stem, BatchNorm("bn0", momentum=momentum), Activation("relu0", options.version_act)]
        channels = 256 if is_bottleneck else 64
        for stage, count in enumerate(units):
            for unit in range(count):
                name = f"stage{stage + 1}_unit{unit + 1}"
                layers.append(ResidualUnit(name, channels << stage, unit == 0, is_bottleneck, options))
        self.body = Sequence(*layers)
        self.head = EmbeddingHead(options.version_output, options.embedding_size, channels << 3, momentum)

    def hybrid_forward(self, F, x):
        return self.head(self.body(self.input_norm(x)))


class FixedScaling(mx.gluon.HybridBlock):
    """Pixels 0..255 to -1..1, behind a node ``id`` that upstream's graphs begin with."""

    def __init__(self):
        super().__init__(prefix="")

    def hybrid_forward(self, F, x):
        return (F.identity(x, name="id") - PIXEL_MEAN) * PIXEL_SCALE


class ResidualUnit(mx.gluon.HybridBlock):
    """Two convolutions of 3x3, or the bottleneck of 1x1, 3x3 and 1x1, and a shortcut.

    version_unit 1: conv-BN-act-conv-BN, an activation after the sum; 2: BN-act-conv-BN-act-conv (He et al., ECCV
    2016); 3: BN-conv-BN-act-conv-BN, the improved residual unit (IR) of ArcFace. ``is_first`` in its stage: the map
    is halved and the shortcut a projection.
    """

    def __init__(self, name, channels, is_first, is_bottleneck, options):
        super().__init__(prefix="")
        version, momentum = options.version_unit, options.bn_momentum
        kernels = (1, 3, 1) if is_bottleneck else (3, 3)
        last, stride = len(kernels), 2 if is_first else 1
        # Which convolution has the stride; version 1 has another one behind the 7x7 stem.
        strided = {1: 1 if options.version_input == 0 else last, 2: last - 1, 3: last}[version]

        def norm(index):
            return BatchNorm(f"{name}_bn{index}", momentum=momentum)

        def activation(index):
            return Activation(f"{name}_relu{index}", options.version_act)

        def convolution(index):
            kernel = kernels[index - 1]
            width = channels // 4 if is_bottleneck and index < last else channels
            step = stride if index == strided else 1
            return Convolution(f"{name}_conv{index}", width, kernel, stride=step, pad=kernel // 2)

        body = [norm(1)] if version == 3 else []
        for index in range(1, last):
            body += [convolution(index), norm(index + (version > 1)), activation(index + (version == 2))]
        body.append(convolution(last))
        if version != 2:
            body.append(norm(last + (version > 1)))
        if options.version_se:
            body.append(SqueezeExcitation(f"{name}_se", channels, options.version_act))

        self.entry = Sequence(*([norm(1), activation(1)] if version == 2 else []))  # before both ways
        self.body = Sequence(*body)
        self.projection = None
        if is_first and version == 2:
            self.projection = Convolution(f"{name}_sc", channels, kernel=1, stride=stride)
        elif is_first:
            projection = Convolution(f"{name}_conv1sc", channels, kernel=1, stride=stride)
            self.projection = Sequence(projection, BatchNorm(f"{name}_sc", momentum=momentum))
        self.exit = Sequence(*([activation(3)] if version == 1 else []))

    def hybrid_forward(self, F, x):
        entered = self.entry(x)
        body = self.body(entered)
        shortcut = x if self.projection is None else self.projection(entered)
        return self.exit(body + shortcut)


class SqueezeExcitation(mx.gluon.HybridBlock):
    """Weigh the channels by what their means say (Hu et al., CVPR 2018)."""

    def __init__(self, name, channels, activation):
        super().__init__(prefix="")
        self.weights = Sequence(
            Pooling(f"{name}_pool1", "avg"),
            Convolution(f"{name}_conv1", channels // SQUEEZE, kernel=1, bias=True),
            Activation(f"{name}_relu1", activation),
            Convolution(f"{name}_conv2", channels, kernel=1, bias=True),
            Activation(f"{name}_sigmoid", "sigmoid"),
        )

    def hybrid_forward(self, F, x):
        return F.broadcast_mul(x, self.weights(x))
