"""ArcFace with a term that draws samples to their class: upstream's loss 6 of late 2018."""

import math

from insightrec.train.losses.angle import angle
from insightrec.train.losses.arcface import ArcFace
from insightrec.train.losses.option_domain import angle_margin, logit_scale, term_weight


class ArcFaceIntra(ArcFace):
    """ArcFace + b mean(theta_y) / pi (Deng et al., CVPR 2019, eq. 5).

    margin_rad: m in radians, 0 <= m < pi/2. term_weight: b, above 0. scale: s > 0.
    """

    def __init__(self, margin_rad=0.5, term_weight=1.0, scale=64.0):
        super().__init__(margin_rad, scale)
        self.term_weight = term_weight

    def head_output(self, terms):
        output = super().head_output(terms)
        return output._replace(loss=output.loss + self.term_weight / math.pi * angle(self.cosine(terms)))

    @classmethod
    def from_options(cls, options):
        return cls(angle_margin(options), term_weight(options), logit_scale(options))
