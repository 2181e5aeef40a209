"""ArcFace with a margin that shrinks with the angle: upstream's loss 6 of early 2018."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import angle
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_margin, logit_scale, option

mx = import_mxnet()

FARTHEST = 1.0  # radians; samples farther from their class get no margin


class AdaptiveArcFace(ClassLoss):
    """f_y = s cos(theta + r m), r = max(min_batch(theta) / theta, a), and 0 where theta > 1 rad.

    r is a constant of the step (no gradient). The batch is the device's, or the whole one in a class-parallel head.

    margin_rad: m in radians, 0 <= m < pi/2. smallest_share: a, a plain number, 0 <= a <= 1. scale: s > 0.
    """

    def __init__(self, margin_rad=0.5, smallest_share=0.0, scale=64.0):
        super().__init__(scale)
        self.margin_rad = margin_rad
        self.smallest_share = smallest_share

    def target_logit(self, cosine):
        theta = angle(cosine)
        with mx.autograd.pause():
            share = mx.nd.maximum(theta.min() / theta, self.smallest_share) * (theta <= FARTHEST)
        return mx.nd.cos(theta + share * self.margin_rad)

    @classmethod
    def from_options(cls, options):
        share = option(options, "--margin-a", "a plain number, 0 <= a <= 1", lambda a: 0 <= a <= 1, default=0)
        return cls(angle_margin(options), share, logit_scale(options))
