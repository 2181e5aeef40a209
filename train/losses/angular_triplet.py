"""Angular triplet loss: a positive closer to its anchor than a negative, by a margin in angle."""

import math

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import angle
from insightrec.train.losses.option_domain import option
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()


class AngularTripletLoss(mx.gluon.Block):
    """Triplet loss on angles, number 13 of InsightFace's trainer: relu(arccos(a.p) - arccos(a.n) + margin).

    margin_rad: angle in radians, 0 < margin < pi.
    """

    def __init__(self, margin_rad=0.5):
        super().__init__()
        self.margin_rad = margin_rad

    @classmethod
    def from_options(cls, options):
        return cls(option(options, "--margin-m", "radians, 0 < m < pi", lambda m: 0 < m < math.pi))

    def forward(self, anchor, positive, negative):
        """Loss of each of T triplets, embeddings (T, D) each; float32 (T,)."""
        anchor, positive, negative = (unit(full_precision(part)) for part in (anchor, positive, negative))
        to_positive, to_negative = (angle((anchor * other).sum(axis=1)) for other in (positive, negative))
        return mx.nd.relu(to_positive - to_negative + self.margin_rad)
