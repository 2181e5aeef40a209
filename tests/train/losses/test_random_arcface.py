"""ArcFace with a margin drawn each step."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

module = pytest.importorskip("insightrec.train.losses.random_arcface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def margins(loss, steps):
    drawn = []
    for step in steps:
        loss.begin_step(step)
        drawn.append(loss.margin_rad)
    return drawn


def test_a_margin_is_a_function_of_seed_and_step():
    loss = module.RandomArcFace(0.1, 0.5, seed=3)
    steps = [5, 1, 2, 5]
    drawn = margins(loss, steps)
    assert drawn == margins(module.RandomArcFace(0.1, 0.5, seed=3), steps)
    assert drawn[0] == drawn[3]
    assert len(set(drawn)) == 3
    assert drawn != margins(module.RandomArcFace(0.1, 0.5, seed=4), steps)


def test_margins_fill_their_range():
    drawn = np.array(margins(module.RandomArcFace(0.1, 0.5), range(1, 2001)))
    assert drawn.min() > 0.1
    assert drawn.max() < 0.5
    assert drawn.mean() == pytest.approx(0.3, abs=0.01)


def test_the_lowest_margin_is_not_above_the_highest(options):
    with pytest.raises(InputError, match="--margin-a 0.6: expected radians, 0 <= a <= m, and --margin-m is 0.5"):
        module.RandomArcFace.from_options(options(margin_a=0.6))
    loss = module.RandomArcFace.from_options(options(seed=9))
    assert (loss.lowest_rad, loss.highest_rad, loss.seed) == (0, 0.5, 9)
