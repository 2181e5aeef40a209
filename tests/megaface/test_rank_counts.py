import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.rank_counts import count_beaten, count_beaten_by_all, counts_above
from insightrec.megaface.score_tile import ScoreTile, prepare

KINDS = ("random", "signs", "repeated", "nearly repeated", "scaled")


def draw(kind, random, count, dimension):
    values = random.standard_normal((count, dimension), np.float32)
    if kind == "signs":  # a few scores, taken by very many
        return np.sign(values)
    if kind == "repeated":
        return values[random.integers(0, max(count // 5, 1), count)]
    if kind == "nearly repeated":  # the last bit of some numbers differs
        values = values[random.integers(0, max(count // 5, 1), count)]
        return np.where(random.random(values.shape) < 0.1, np.nextafter(values, np.float32(9)), values)
    if kind == "scaled":
        return values * np.exp2(random.integers(-20, 20, (count, 1))).astype(np.float32)
    return values


def draw_thresholds(random, matrix, most):
    """For each row: some of its scores, their neighbours in float32, and others."""
    thresholds = []
    for scores in matrix:
        picked = random.choice(scores, random.integers(0, most))
        near = np.nextafter(picked, np.float32(random.choice([-np.inf, np.inf])))
        others = random.uniform(scores.min() - 1, scores.max() + 1, 3).astype(np.float32)
        chosen = np.concatenate([picked, near, others])
        thresholds.append(np.unique(chosen[random.random(len(chosen)) < 0.8]))
    return thresholds


def dumb_histogram(scores, thresholds):
    histogram = np.zeros(len(thresholds) + 1, np.int64)
    for score in scores:
        histogram[sum(score > threshold for threshold in thresholds)] += 1
    return histogram


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.integers(1, 6), st.integers(1, 150), st.integers(1, 40))
def test_equals_counting_one_by_one(worst_product, seed, kind, rows, columns, dimension):
    random = np.random.default_rng(seed)
    values = draw(kind, random, rows + columns, dimension)
    probes, distractors = prepare(values[:rows]), prepare(values[rows:])
    matrix = score_matrix(probes.features, distractors.features)
    thresholds = draw_thresholds(random, matrix, 8)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in thresholds])])
    histogram = np.ones(offsets[-1] + rows, np.int64)
    tile = ScoreTile(probes, distractors, product=worst_product if seed % 2 else np.matmul)
    count_beaten(tile, np.concatenate(thresholds), offsets, histogram)
    expected = np.concatenate([dumb_histogram(*row) for row in zip(matrix, thresholds)])
    assert np.array_equal(histogram, expected + 1)

    shared = np.unique(np.concatenate([*thresholds, np.float32([-1])]))
    some = random.integers(1, rows + 1)
    histogram = np.zeros(len(shared) + 1, np.int64)
    count_beaten_by_all(tile, some, shared, histogram)
    assert np.array_equal(histogram, sum(dumb_histogram(scores, shared) for scores in matrix[:some]))


@pytest.mark.parametrize("spread", [0.02, 3])
def test_thousands_of_shared_thresholds(spread):
    """So dense that every score is open (whole rows are computed), and so sparse that few are."""
    random = np.random.default_rng(5)
    probes, distractors = (prepare(random.standard_normal((n, 64), np.float32)) for n in (4, 3000))
    tile = ScoreTile(probes, distractors)
    middle = np.median(tile.scores[:, :3000])
    thresholds = np.unique(random.uniform(middle, middle + spread, 5000).astype(np.float32))
    thresholds = np.concatenate([thresholds[:: 1 if spread < 1 else 50], np.float32([1e6, 2e6])])
    histogram = np.zeros(len(thresholds) + 1, np.int64)
    count_beaten_by_all(tile, 4, thresholds, histogram)
    scores = np.sort(score_matrix(probes.features, distractors.features).ravel())
    above = scores.size - np.searchsorted(scores, thresholds, side="right")
    assert np.array_equal(counts_above(histogram), above)


def test_few_scores_are_computed_again(monkeypatch):
    random = np.random.default_rng(0)
    values = random.standard_normal((3020, 512), np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    probes, distractors = prepare(values[:20]), prepare(values[20:])
    tile = ScoreTile(probes, distractors)
    thresholds = np.tile(np.linspace(-2.2, -1.8, 40, dtype=np.float32), 20)
    pairs, exact_pairs = [], tile.exact_pairs
    monkeypatch.setattr(tile, "exact_pairs", lambda rows, places: pairs.append(len(rows)) or exact_pairs(rows, places))
    histogram = np.zeros(20 * 41, np.int64)
    count_beaten(tile, thresholds, np.arange(0, 801, 40), histogram)
    assert histogram.sum() == 20 * 3000
    assert sum(pairs) < 0.015 * 20 * 3000
