import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from insightrec.megaface.identification_curves import cmc_curve, rank_rates, roc_curve, traditional_curve

FLOAT = np.float32


def quantise(values):
    """Section 3.6 of the specification, one value after the other."""
    before, kept = FLOAT(-1), []
    for place, value in enumerate(values):
        if float(FLOAT(value - before)) > 0.01 or place == len(values) - 1:
            kept.append((place, float(value)))
            before = value
    return [[place for place, _ in kept], [value for _, value in kept]]


def dumb_cmc(ranks, distractors):
    histogram = np.zeros(distractors + 1, FLOAT)
    for rank in ranks:
        histogram[rank] += FLOAT(1)
    sums, total = [], FLOAT(0)
    for number in histogram:
        total = FLOAT(total + number)
        sums.append(total)
    return quantise([FLOAT(number / total) for number in sums])


def dumb_traditional(ranks, bins):
    histogram = np.zeros(bins, FLOAT)
    for rank in ranks:
        histogram[rank] += FLOAT(1)
    sums, total = [], FLOAT(0)
    for number in histogram:
        total = FLOAT(total + FLOAT(number / FLOAT(len(ranks))))
        sums.append(total)
    return quantise(sums)


def dumb_roc(positives, negatives):
    """Section 3.4: all scores sorted, positives first where equal."""
    scores = sorted([(-score, 0) for score in positives] + [(-score, 1) for score in negatives])
    rates, accepted = [], 0
    for _, negative in scores:
        if negative:
            rates.append(FLOAT(accepted) / FLOAT(len(positives)))
        accepted += not negative
    rates.append(FLOAT(1))
    places, rates = quantise(rates)
    return [[float(FLOAT(place) / FLOAT(len(negatives))) for place in places], rates]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=300), st.integers(60, 90))
def test_cmc_equals_the_loops(ranks, distractors):
    assert cmc_curve(np.array(ranks), distractors) == dumb_cmc(ranks, distractors)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=300), st.integers(50, 90), st.integers(11, 20))
def test_traditional_equals_the_loops(ranks, distractors, subjects):
    curve = traditional_curve(np.array(ranks), distractors, subjects)
    assert curve == dumb_traditional(ranks, subjects + distractors)


@given(
    npst.arrays(np.float32, st.integers(1, 150), elements=st.sampled_from(np.linspace(-3, 0, 40, dtype=FLOAT))),
    npst.arrays(np.float32, st.integers(1, 150), elements=st.sampled_from(np.linspace(-4, -1, 40, dtype=FLOAT))),
)
def test_roc_equals_sorting(positives, negatives):
    distinct, counts = np.unique(positives, return_counts=True)
    above = np.array([np.count_nonzero(negatives > positive) for positive in distinct])
    assert roc_curve(above, counts, len(negatives)) == dumb_roc(positives, negatives)


def test_a_hundred_million_negatives():
    """No array of the negatives is made; counts are rounded to float32 before they are divided, as the devkit's."""
    curve = roc_curve(np.array([10**8, 16777217, 0]), np.array([1, 1, 2]), 10**8)
    assert curve == [[0.0, float(FLOAT(16777216) / FLOAT(10**8)), 1.0], [0.5, 0.75, 1.0]]
    assert curve[0][1] != FLOAT(0.16777217)


def test_a_million_bins():
    assert cmc_curve(np.array([0, 0, 5, 10**6]), 10**6) == [[0, 5, 10**6], [0.5, 0.75, 1.0]]
    assert cmc_curve(np.array([3]), 10**6) == [[0, 3, 10**6], [0.0, 1.0, 1.0]]


def test_rank_rates():
    rates = rank_rates(np.array([0, 0, 1, 99, 100, 5000]))
    assert rates.shape == (100,)
    assert rates[[0, 1, 98, 99]] == pytest.approx([2 / 6, 3 / 6, 3 / 6, 4 / 6])
