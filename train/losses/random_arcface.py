"""ArcFace with a margin drawn each step: upstream's loss 7 of early 2018."""

import numpy as np

from insightrec.train.losses.arcface import ArcFace
from insightrec.train.losses.option_domain import angle_margin, logit_scale, option

MARGIN_DRAW = 0x6D617267  # "marg": keeps this draw apart from others of the same seed and step


class RandomArcFace(ArcFace):
    """ArcFace with m uniform in [lowest, highest), one draw a step, a function of (seed, step).

    lowest_rad, highest_rad: radians, 0 <= lowest <= highest < pi/2. scale: s > 0.
    """

    def __init__(self, lowest_rad=0.0, highest_rad=0.5, scale=64.0, seed=0):
        super().__init__(highest_rad, scale)
        self.lowest_rad = lowest_rad
        self.highest_rad = highest_rad
        self.seed = seed
        self.begin_step(1)

    def begin_step(self, step):
        draw = np.random.default_rng([self.seed, MARGIN_DRAW, step])
        self.margin_rad = draw.uniform(self.lowest_rad, self.highest_rad)

    @classmethod
    def from_options(cls, options):
        highest = angle_margin(options)
        domain = f"radians, 0 <= a <= m, and --margin-m is {highest:g}"
        lowest = option(options, "--margin-a", domain, lambda a: 0 <= a <= highest, default=0)
        return cls(lowest, highest, logit_scale(options), options.seed)
