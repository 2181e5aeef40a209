"""A multiplied angle under a plain cosine: upstream's loss 3."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import angle
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_multiple, logit_scale

mx = import_mxnet()


class MultiplicativeAngle(ClassLoss):
    """f_y = s cos(m theta). It rises again beyond theta = pi/m; SphereFace's does not.

    multiple: m, whole, 1 or more. scale: s > 0.
    """

    def __init__(self, multiple=4, scale=64.0):
        super().__init__(scale)
        self.multiple = multiple

    def target_logit(self, cosine):
        return mx.nd.cos(self.multiple * angle(cosine))

    @classmethod
    def from_options(cls, options):
        return cls(angle_multiple(options), logit_scale(options))
