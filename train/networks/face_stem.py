"""The first layers that DenseNet and DPN share."""

from dataclasses import replace

from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, Pooling
from insightrec.train.networks.resnet import ResidualUnit

FACE_CHANNELS = 64


def stem_layers(options, image_channels):
    """A list of layers that takes 112x112 images to maps of 56x56 without losing a pixel at the first convolution.

    With version_input 0 it is ImageNet's stem, a 7x7 convolution of stride 2 to ``image_channels`` and max pooling,
    which takes 224x224 images there.
    """
    norm = BatchNorm("bn0", momentum=options.bn_momentum)
    activation = Activation("relu0", "prelu")
    if options.version_input == 0:
        convolution = Convolution("conv0", image_channels, kernel=7, stride=2, pad=3)
        return [convolution, norm, activation, Pooling("pooling0", "max", kernel=3, stride=2, pad=1)]
    unit_options = replace(options, version_unit=3, version_se=0, version_act="prelu")
    unit = ResidualUnit("head", FACE_CHANNELS, is_first=True, is_bottleneck=False, options=unit_options)
    return [Convolution("conv0", FACE_CHANNELS, kernel=3, pad=1), norm, activation, unit]
