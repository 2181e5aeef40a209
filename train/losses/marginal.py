"""Marginal loss: every pair of the batch on its own side of one distance, with a margin."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.batch_pairs import same_identity, squared_distances
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()

THRESHOLD, MARGIN = 1.2, 0.3  # squared distances


class MarginalLoss(mx.gluon.Block):
    """Marginal loss (Deng et al., CVPR Workshops 2017): sum over i != j of relu(0.3 + y (d^2 - 1.2)) / (B^2 - B).

    d^2 is the squared distance of unit vectors, y is 1 for a pair of one identity and -1 for any other.
    """

    @classmethod
    def from_options(cls, options):
        return cls()

    def forward(self, embedding, label):
        """Loss of each of ``embedding`` (B, D) with classes ``label`` (B,); float32 (B,), zeros for one image."""
        distance = squared_distances(unit(full_precision(embedding)))
        side = 2 * same_identity(label) - 1
        # The diagonal, d = 0 and y = 1, lies within the margin and adds nothing.
        return mx.nd.relu(MARGIN + side * (distance - THRESHOLD)).sum(axis=1) / max(len(label) - 1, 1)
