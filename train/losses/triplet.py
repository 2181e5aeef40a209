"""Triplet loss: a positive closer to its anchor than a negative, by a margin in squared distance."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.option_domain import option
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()


class TripletLoss(mx.gluon.Block):
    """Triplet loss (Schroff et al., CVPR 2015, eq. 3): relu(|a - p|^2 - |a - n|^2 + alpha) of unit vectors.

    alpha: margin in squared distance, 0 < alpha <= 4.
    """

    def __init__(self, alpha=0.3):
        super().__init__()
        self.alpha = alpha

    @classmethod
    def from_options(cls, options):
        domain = "a squared distance of unit vectors, 0 < alpha <= 4"
        return cls(option(options, "--triplet-alpha", domain, lambda alpha: 0 < alpha <= 4))

    def forward(self, anchor, positive, negative):
        """Loss of each of T triplets, embeddings (T, D) each; float32 (T,)."""
        anchor, positive, negative = (unit(full_precision(part)) for part in (anchor, positive, negative))
        to_positive = (anchor - positive).square().sum(axis=1)
        to_negative = (anchor - negative).square().sum(axis=1)
        return mx.nd.relu(to_positive - to_negative + self.alpha)
