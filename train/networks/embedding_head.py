"""Embedding heads: from the last feature map to the embedding, by upstream's letters."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.networks.named_layers import (
    Activation,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    Pooling,
    Sequence,
)

mx = import_mxnet()

POOLED = "bn1 relu1 pool1 flatten0"
HEADS = {  # the layers of each, in order
    "A": POOLED,
    "B": f"{POOLED} pre_fc1",
    "C": f"{POOLED} pre_fc1 fc1_bn",
    "D": f"{POOLED} pre_fc1 fc1_bn fc1_relu",
    "AX": f"{POOLED} dropout_weak",
    "BX": f"{POOLED} dropout_weak pre_fc1",
    "CX": f"{POOLED} dropout_weak pre_fc1 fc1_bn",
    "DX": f"{POOLED} dropout_weak pre_fc1 fc1_bn fc1_relu",
    "E": "bn1 dropout pre_fc1 fc1_bn",
    "F": "bn1 dropout fc1",
    "G": "bn1 fc1",
    "H": "fc1",
    "I": "bn1 pre_fc1 fc1_bn",
    "J": "pre_fc1 fc1_bn",
    "Z": "bn1 dropout",
    "GAP": f"{POOLED} pre_fc1 fc1_bn",
    "GDC": "depthwise depthwise_bn pre_fc1 fc1_bn",
    "GNAP": "bn6f norm_aware pooling0 flatten0 fc1_bn",
}
# Norm-aware pooling keeps the channels, so an embedding of another size takes a step more.
GNAP_WIDER = f"convx convx_bn convx_relu {HEADS['GNAP']}"
GNAP_NARROWER = "bn6f norm_aware pooling0 bn6w pre_fc1 fc1_bn"


class EmbeddingHead(Sequence):
    """(N, channels, H, W) to (N, embedding_size), or what `HEADS` ends with where it has no dense layer.

    GDC's depthwise convolution is of 7x7 without padding: it wants feature maps of that size, images of 112x112.

    Args:
        fc_type: a key of `HEADS`.
        embedding_size: D.
        channels: of the feature map; GDC and GNAP need to know.
        bn_momentum: of the batch normalisations.
        weight_options: for the dense layer, as `FullyConnected` takes them.
    """

    def __init__(self, fc_type, embedding_size, channels=512, bn_momentum=0.9, **weight_options):
        steps = HEADS[fc_type]
        if fc_type == "GNAP" and embedding_size != channels:
            steps = GNAP_WIDER if embedding_size > channels else GNAP_NARROWER
        layers = {
            "bn1": lambda: BatchNorm("bn1", momentum=bn_momentum),
            "relu1": lambda: Activation("relu1", "prelu"),
            "pool1": lambda: Pooling("pool1", "avg"),
            "flatten0": lambda: Flatten("flatten0"),
            "dropout": lambda: Dropout("dropout0", 0.4),
            "dropout_weak": lambda: Dropout("dropout0", 0.2),
            "pre_fc1": lambda: FullyConnected("pre_fc1", embedding_size, **weight_options),
            "fc1": lambda: FullyConnected("fc1", embedding_size, **weight_options),
            "fc1_bn": lambda: BatchNorm("fc1", fix_gamma=True, momentum=bn_momentum),
            "fc1_relu": lambda: Activation("fc1_relu", "prelu"),
            "depthwise": lambda: Convolution("conv_6dw7_7_conv2d", channels, kernel=7, groups=channels),
            "depthwise_bn": lambda: BatchNorm("conv_6dw7_7_batchnorm", eps=1e-3, momentum=bn_momentum),
            "convx": lambda: Convolution("convx", embedding_size, kernel=1),
            "convx_bn": lambda: BatchNorm("convx_bn", momentum=bn_momentum),
            "convx_relu": lambda: Activation("convx_relu", "prelu"),
            "bn6f": lambda: BatchNorm("bn6f", fix_gamma=True, momentum=bn_momentum),
            "norm_aware": lambda: NormAwareWeights(max(channels, embedding_size)),
            "pooling0": lambda: Pooling("pooling0", "avg"),
            "bn6w": lambda: BatchNorm("bn6w", fix_gamma=True, momentum=bn_momentum),
        }
        super().__init__(*(layers[step]() for step in steps.split()))


class NormAwareWeights(mx.gluon.HybridBlock):
    """Scale every position's vector to the mean norm of all positions.

    The mean is over the whole batch too, as in upstream's graph, so an embedding depends a little on its batch.
    """

    def __init__(self, channels):
        super().__init__(prefix="")
        self.channels = channels

    def hybrid_forward(self, F, x):
        norm = F.sqrt(F.sum(x * x, axis=1, keepdims=True))
        weight = F.broadcast_div(F.mean(norm), norm)
        return x * F.tile(weight, reps=(1, self.channels, 1, 1))
