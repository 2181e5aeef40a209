import numpy as np
import pytest

from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.score_tile import ScoreTile, prepare, rounded_down, rounded_up


def features(seed, count, dimension=20):
    return prepare(np.random.default_rng(seed).standard_normal((count, dimension), np.float32))


@pytest.mark.parametrize("columns", [1, 5, 63, 64, 65, 200, 2049])
def test_at_least_finds_every_score(columns):
    probes, distractors = features(0, 7), features(1, columns)
    tile = ScoreTile(probes, distractors)
    assert tile.scores.shape[1] % 64 == 0
    assert (tile.scores[:, columns:] == -np.inf).all()
    assert np.array_equal(tile.peaks, tile.scores.max(axis=1))
    limits = np.quantile(tile.scores[:, :columns], 0.9, axis=1).astype(np.float64)
    for rows in (7, 3):
        found = sorted(zip(*(side.tolist() for side in tile.at_least(limits[:rows]))))
        expected = [(r, c) for r in range(rows) for c in range(columns) if tile.scores[r, c] >= limits[r]]
        assert set(expected) <= set(found)
        assert len(found) == len(set(found))
        assert all(tile.scores[row, column] >= limits[row] - 1e-4 for row, column in found)


def test_exact_and_fast():
    probes, distractors = features(0, 4), features(1, 30)
    matrix = score_matrix(probes.features, distractors.features)
    rows, columns = np.array([3, 0, 3]), np.array([29, 2, 2])
    tile = ScoreTile(probes, distractors)
    assert np.array_equal(tile.exact_pairs(rows, columns), matrix[rows, columns])
    assert np.array_equal(tile.exact_rows(np.array([2, 0])), matrix[[2, 0]])
    assert (tile.bound > 0).all()
    fast = ScoreTile(probes, distractors, exact=False)
    assert not fast.bound.any()
    assert np.array_equal(fast.exact_pairs(rows, columns), fast.scores[rows, columns])


def test_another_product():
    probes, distractors = features(0, 4, 300), features(1, 30, 300)
    calls = []

    def product(one, other, out):
        calls.append((one.shape, other.shape))
        np.matmul(one.astype(np.float64), other.astype(np.float64), out=out, casting="same_kind")

    tile = ScoreTile(probes, distractors, product=product)
    assert calls == [((4, 256), (256, 30)), ((4, 44), (44, 30))]
    assert np.abs(tile.scores[:, :30] - score_matrix(probes.features, distractors.features)).max() <= tile.bound.max()


def test_rounding_is_outward():
    numbers = np.array([0.1, -0.1, 0.0, 1 + 1e-12, -np.inf])
    assert (rounded_down(numbers) <= numbers).all()
    assert (rounded_up(numbers) >= numbers).all()
    assert rounded_down(numbers).dtype == np.float32
