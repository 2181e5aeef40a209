"""The combined margin, upstream's loss 5, and a variant that never rises again."""

import math

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import angle, monotone_cosine
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_margin, logit_scale, option

mx = import_mxnet()


class Combined(ClassLoss):
    """f_y = s (cos(a theta + m) - b) (Deng et al., CVPR 2019, eq. 4). It rises again where a theta + m is beyond pi.

    factor: a, a plain number above 0. margin_rad: m in radians, 0 <= m < pi/2. offset: b, a plain number,
    0 <= b < 1. scale: s > 0.
    """

    def __init__(self, factor=1.0, margin_rad=0.3, offset=0.2, scale=64.0):
        super().__init__(scale)
        self.factor = factor
        self.margin_rad = margin_rad
        self.offset = offset

    def target_logit(self, cosine):
        return self.margined_cosine(self.factor * angle(cosine) + self.margin_rad) - self.offset

    def margined_cosine(self, angle_rad):
        """Of the enlarged angle, radians, 0 or more."""
        return mx.nd.cos(angle_rad)

    @classmethod
    def from_options(cls, options):
        factor = option(
            options, "--margin-a", "a plain number, 0 (for 1) or more", lambda a: 0 <= a < math.inf, default=1
        )
        offset = option(options, "--margin-b", "a plain number, 0 <= b < 1", lambda b: 0 <= b < 1, default=0)
        factor = factor or 1  # 0 was its default of early 2018, and meant that there is none
        return cls(factor, angle_margin(options), offset, logit_scale(options))


class CombinedMonotone(Combined):
    """f_y = s (psi(a theta + m) - b): beyond pi SphereFace's psi (`angle.monotone_cosine`) goes on falling."""

    def margined_cosine(self, angle_rad):
        return monotone_cosine(angle_rad)
