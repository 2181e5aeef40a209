"""COCO, congenerous cosine: each image against the centroids of the identities in its batch."""

import math

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.batch_pairs import same_identity
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()


class CocoLoss(mx.gluon.Block):
    """Congenerous cosine loss (Liu et al., arXiv 1710.00870): cross-entropy of s cos(x, c_k) over centroids c_k.

    A centroid is the mean of the batch's embeddings of one identity, normalised. The scale is
    s = 0.5 ln(C - 1) + 3, with C the classes of the whole training set, as in InsightFace's trainer, although
    the softmax runs over the identities of the batch alone.

    num_classes: C, 2 or more.
    """

    def __init__(self, num_classes):
        super().__init__()
        self.scale = 0.5 * math.log(num_classes - 1) + 3

    @classmethod
    def from_options(cls, options):
        if options.num_classes < 2:
            raise InputError(f"coco: expected a set of 2 or more classes, found {options.num_classes}")
        return cls(options.num_classes)

    def forward(self, embedding, label):
        """Loss of each of ``embedding`` (B, D) with classes ``label`` (B,); float32 (B,)."""
        embedding = full_precision(embedding)
        same = same_identity(label)
        images = same.sum(axis=1)  # of the sample's identity in the batch
        mean = mx.nd.dot(same, embedding) / images.reshape((-1, 1))
        logits = self.scale * mx.nd.dot(unit(embedding), unit(mean), transpose_b=True)
        ratios = (logits - mx.nd.diag(logits).reshape((-1, 1))).exp()  # at most e^(2 s), far from float32's end
        # An identity of n images has n equal columns; each counts for 1/n of it.
        return (ratios / images.reshape((1, -1))).sum(axis=1).log()
