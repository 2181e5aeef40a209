"""Plain softmax cross-entropy."""

from insightrec.train.losses.class_loss import ClassLoss


class Softmax(ClassLoss):
    """f = W x + b, nothing normalised, no margin.

    bias: whether b takes part (``--fc7-no-bias`` leaves it out).
    """

    normalize_embedding = False
    normalize_weight = False
    has_margin = False

    def __init__(self, bias=True):
        super().__init__(scale=1.0)
        self.has_bias = bias

    @classmethod
    def from_options(cls, options):
        return cls(bias=not options.fc7_no_bias)
