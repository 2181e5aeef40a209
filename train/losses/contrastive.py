"""Contrastive loss: images of one identity together, others at least a margin apart."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.batch_pairs import same_identity, squared_distances
from insightrec.train.losses.option_domain import option
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()

NEAREST = 1e-8  # squared; below it the distance has no slope, which would be without bound at 0


class ContrastiveLoss(mx.gluon.Block):
    """Contrastive loss (Hadsell et al., CVPR 2006, eq. 4): d^2 / 2 for a pair of one identity, else
    max(0, margin - d)^2 / 2, with d the distance of unit vectors, 0..2.

    All pairs i != j of the batch count. Most of them are of two identities: the mean over these and the mean
    over the pairs of one identity are added, as if as many of either kind had been drawn.

    margin: distance to keep, 0 < margin <= 2.
    """

    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    @classmethod
    def from_options(cls, options):
        domain = "a distance of unit vectors, 0 < margin <= 2"
        return cls(option(options, "--contrastive-margin", domain, lambda margin: 0 < margin <= 2))

    def forward(self, embedding, label):
        """Loss of each of ``embedding`` (B, D) with classes ``label`` (B,); float32 (B,), zeros for one image."""
        same = same_identity(label)
        square = squared_distances(unit(full_precision(embedding)))
        lacking = mx.nd.relu(self.margin - mx.nd.maximum(square, NEAREST).sqrt())
        positive = same - mx.nd.one_hot(mx.nd.arange(len(label), ctx=label.context), len(label))
        return _row_means(square, positive) / 2 + _row_means(lacking * lacking, 1 - same) / 2


def _row_means(values, weight):
    """float32 (B,) whose mean is that of ``values`` (B, B) where ``weight`` is 1; zeros where it is 1 nowhere."""
    return (values * weight).sum(axis=1) * (len(values) / mx.nd.maximum(weight.sum(), 1))
