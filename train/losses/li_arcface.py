"""Li-ArcFace: logits linear in the angle."""

import math

from insightrec.train.losses.angle import angle
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_margin, logit_scale


class LiArcFace(ClassLoss):
    """f_y = s (pi - 2 (theta + m)) / pi, f_j = s (pi - 2 theta_j) / pi (Li et al., AirFace, ICCV workshops 2019).

    margin_rad: m in radians, 0 <= m < pi/2. scale: s > 0.
    """

    def __init__(self, margin_rad=0.45, scale=64.0):
        super().__init__(scale)
        self.margin_rad = margin_rad

    def similarity(self, cosine):
        return 1 - 2 / math.pi * angle(cosine)

    def target_logit(self, similarity):
        return similarity - 2 / math.pi * self.margin_rad

    @classmethod
    def from_options(cls, options):
        return cls(angle_margin(options), logit_scale(options))
