"""CosFace, or AM-softmax: a margin on the cosine."""

from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import logit_scale, option


class CosFace(ClassLoss):
    """f_y = s (cos(theta) - m) (Wang et al., CVPR 2018, eq. 4).

    margin: m, a plain number, 0 <= m < 1. scale: s > 0.
    """

    def __init__(self, margin=0.35, scale=64.0):
        super().__init__(scale)
        self.margin = margin

    def target_logit(self, cosine):
        return cosine - self.margin

    @classmethod
    def from_options(cls, options):
        margin = option(options, "--margin-m", "a plain number, 0 <= m < 1", lambda m: 0 <= m < 1)
        return cls(margin, logit_scale(options))
