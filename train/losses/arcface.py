"""ArcFace: a margin on the angle."""

import math

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import angle
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_margin, logit_scale

mx = import_mxnet()


class ArcFace(ClassLoss):
    """f_y = s cos(theta + m) (Deng et al., CVPR 2019, eq. 3).

    Where theta + m is pi or more, f_y = s (cos(theta) - m sin(m)), which falls on (and jumps down by about m^2/2 s).
    With an easy margin: s cos(theta + m) where cos(theta) > 0, s cos(theta) elsewhere.

    margin_rad: m in radians, 0 <= m < pi/2. scale: s > 0.
    """

    def __init__(self, margin_rad=0.5, scale=64.0, easy_margin=False):
        super().__init__(scale)
        self.margin_rad = margin_rad
        self.easy_margin = easy_margin

    def target_logit(self, cosine):
        margined = mx.nd.cos(angle(cosine) + self.margin_rad)
        if self.easy_margin:
            return mx.nd.where(cosine > 0, margined, cosine)
        beyond = cosine - self.margin_rad * math.sin(self.margin_rad)
        return mx.nd.where(cosine > -math.cos(self.margin_rad), margined, beyond)

    @classmethod
    def from_options(cls, options):
        return cls(angle_margin(options), logit_scale(options), bool(options.easy_margin))
