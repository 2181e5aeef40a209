"""NormFace: softmax over scaled cosines."""

from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import logit_scale


class NormFace(ClassLoss):
    """f = s cos(theta), no margin (Wang et al., ACM MM 2017).

    scale: s > 0.
    """

    has_margin = False

    @classmethod
    def from_options(cls, options):
        return cls(scale=logit_scale(options))
