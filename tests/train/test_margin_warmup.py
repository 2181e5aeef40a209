import pytest

from insightrec.train.margin_warmup import MarginWarmup


def shares(warmup, steps):
    return [warmup.share(step) for step in range(1, steps + 1)]


def test_the_margin_is_whole_from_the_first_step():
    assert shares(MarginWarmup(), 3) == [1, 1, 1]


def test_none_then_growing_then_whole():
    assert shares(MarginWarmup(2, 4), 8) == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1, 1])


def test_either_part_alone():
    assert shares(MarginWarmup(free_steps=2), 4) == [0, 0, 1, 1]
    assert shares(MarginWarmup(growing_steps=2), 4) == [0.5, 1, 1, 1]
