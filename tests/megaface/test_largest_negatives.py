import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.megaface.devkit_score import score_matrix, score_pairs
from insightrec.megaface.largest_negatives import LargestNegatives
from insightrec.megaface.score_tile import ScoreTile, prepare


def exact_of(probes, distractors):
    return lambda rows, columns: score_pairs(probes.features, distractors.features, rows, columns)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["random", "signs", "one", "nearly one"]),
    st.integers(1, 300),
    st.integers(1, 400),
    st.integers(1, 200),
    st.booleans(),
)
def test_order_statistics_equal_sorting(worst_product, seed, kind, columns, most, step, merged):
    random = np.random.default_rng(seed)
    first, second = (random.standard_normal((n, 16), np.float32) for n in (9, columns))
    if kind == "signs":
        first, second = np.sign(first), np.sign(second)
    if "one" in kind:  # all scores of a probe are the same
        second[:] = second[0]
    if kind == "nearly one":  # nearer to each other than the bound, and products are as far off as can be
        second = 1 + 0.1 * second
        first[:] = second[0]
        second = np.where(random.random(second.shape) < 0.2, np.nextafter(second, np.float32(9)), second)
    probes, distractors = prepare(first), prepare(second)
    scores = np.sort(score_matrix(probes.features, distractors.features).ravel())[::-1]
    most = min(most, scores.size)
    parts = [LargestNegatives(most)]
    for start in range(0, columns, step):
        numbers = np.arange(start, min(start + step, columns))
        for row in (0, 5):
            rows = probes.rows(slice(row, row + 5))
            tile = ScoreTile(rows, distractors.rows(slice(start, start + step)), product=worst_product)
            parts[-1].add(tile, row, numbers)
        if merged:
            parts.append(LargestNegatives(most))
    random.shuffle(parts)
    for other in parts[1:]:
        parts[0].merge(other)
    for rank in {1, most, (most + 1) // 2}:
        score, above = parts[0].order_statistic(rank, exact_of(probes, distractors))
        assert score == scores[rank - 1]
        assert above == np.count_nonzero(scores > score)


def test_memory_stays_near_what_is_wanted_even_if_scores_are_equal():
    """Images without a face often share one feature, whose scores then are equal."""
    random = np.random.default_rng(0)
    probes = prepare(np.repeat(random.standard_normal((1, 16), np.float32), 40, axis=0))
    same = prepare(np.zeros((200, 16), np.float32))
    largest = LargestNegatives(100)
    for block in range(20):
        largest.add(ScoreTile(probes, same), 0, 200 * block + np.arange(200))
        largest.settle()
        assert len(largest.entries) <= 40 * 200 + 100
    expected = score_pairs(probes.features, same.features, np.array([0]), np.array([0]))[0]
    exact = exact_of(probes, same)
    assert largest.order_statistic(100, lambda rows, columns: exact(rows, columns % 200)) == (expected, 0)


def test_few_entries_are_kept():
    random = np.random.default_rng(0)
    probes, distractors = (prepare(random.standard_normal((n, 64), np.float32)) for n in (50, 4000))
    largest = LargestNegatives(200)
    for start in range(0, 4000, 500):
        rows = slice(start, start + 500)
        largest.add(ScoreTile(probes, distractors.rows(rows)), 0, np.arange(start, start + 500))
        assert len(largest.entries) <= 320
    largest.settle()
    assert 200 <= len(largest.entries) <= 220


def test_first_rows_only():
    random = np.random.default_rng(0)
    probes, distractors = (prepare(random.standard_normal((n, 8), np.float32)) for n in (6, 50))
    largest = LargestNegatives(10)
    largest.add(ScoreTile(probes, distractors), 0, np.arange(50), 2)
    largest.settle()
    assert set(largest.entries["probe"]) <= {0, 1}
    scores = np.sort(score_matrix(probes.features, distractors.features)[:2].ravel())
    assert largest.order_statistic(10, exact_of(probes, distractors))[0] == scores[-10]
