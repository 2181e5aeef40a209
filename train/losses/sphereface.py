"""SphereFace, or A-softmax: a multiplied angle, annealed."""

from insightrec.train.losses.angle import angle, monotone_cosine
from insightrec.train.losses.class_loss import ClassLoss
from insightrec.train.losses.option_domain import angle_multiple, plain_number


class SphereFace(ClassLoss):
    """f_y = |x| (psi(m theta) + beta cos(theta)) / (1 + beta), f_j = |x| cos(theta_j) (Liu et al., CVPR 2017, eq. 7).

    psi is `angle.monotone_cosine`. The annealing starts near plain softmax:
    beta(t) = max(beta_min, beta (1 + gamma max(0, t - freeze))^-power) after t steps.

    multiple: m, whole, 1 or more. beta, beta_min, gamma, power: 0 or more. freeze: steps.
    """

    normalize_embedding = False

    def __init__(self, multiple=4, beta=1000.0, beta_min=5.0, freeze=0, gamma=0.12, power=1.0):
        super().__init__(scale=1.0)
        self.multiple = multiple
        self.beta = beta
        self.beta_min = beta_min
        self.freeze = freeze
        self.gamma = gamma
        self.power = power
        self.begin_step(1)

    def begin_step(self, step):
        annealed = self.beta * (1 + self.gamma * max(0, step - 1 - self.freeze)) ** -self.power
        self.beta_now = max(self.beta_min, annealed)

    def target_logit(self, cosine):
        return (monotone_cosine(self.multiple * angle(cosine)) + self.beta_now * cosine) / (1 + self.beta_now)

    @classmethod
    def from_options(cls, options):
        flags = ("--beta", "--beta-min", "--beta-freeze", "--gamma", "--power")
        return cls(angle_multiple(options), *(plain_number(options, flag) for flag in flags))
