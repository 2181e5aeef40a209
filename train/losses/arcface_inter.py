"""ArcFace with a term that drives classes apart: upstream's loss 7 of late 2018."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.arcface import ArcFace
from insightrec.train.losses.option_domain import angle_margin, logit_scale, term_weight
from insightrec.train.losses.unit_vector import unit

mx = import_mxnet()


class ArcFaceInter(ArcFace):
    """ArcFace + b mean(cos(W_y, W_j)) over the batch's classes y and all classes j.

    The idea is eq. 6 of Deng et al., CVPR 2019, with cosines in place of angles.

    margin_rad: m in radians, 0 <= m < pi/2. term_weight: b, above 0. scale: s > 0.
    """

    needs_whole_head = True

    def __init__(self, margin_rad=0.5, term_weight=1.0, scale=64.0):
        super().__init__(margin_rad, scale)
        self.term_weight = term_weight

    def head_penalty(self, embedding, label, weight, states):
        directions = unit(weight)
        # The mean over j of the cosines is the cosine with the mean: no (B, C) product.
        mean = directions.mean(axis=0, keepdims=True)
        return self.term_weight * mx.nd.dot(mx.nd.take(directions, label), mean, transpose_b=True).reshape(-1)

    @classmethod
    def from_options(cls, options):
        return cls(angle_margin(options), term_weight(options), logit_scale(options))
