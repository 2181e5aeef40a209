import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.score_tile import ScoreTile, prepare
from insightrec.megaface.top_distractors import TOP, TopDistractors


def dumb_top(scores):
    order = sorted(range(len(scores)), key=lambda column: (-scores[column], -column))[:TOP]
    return [scores[column] for column in order], order


def collect(probes, values, cuts, product):
    """The best of each block apart, then merged from the last to the first."""
    blocks = []
    for columns in np.split(np.arange(len(values)), cuts):
        if len(columns):
            block = TopDistractors(len(probes.features.values))
            block.add(ScoreTile(probes, prepare(values[columns]), product=product), 0, columns)
            blocks.append(block)
    for other in blocks[-2::-1]:
        blocks[-1].merge(other)
    return blocks[-1]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.booleans(), st.integers(1, 700), st.lists(st.integers(0, 700), max_size=3))
def test_equals_sorting(worst_product, seed, ties, columns, cuts):
    random = np.random.default_rng(seed)
    values = random.standard_normal((columns, 12), np.float32)
    probes = random.standard_normal((3, 12), np.float32)
    if ties:
        values, probes = np.sign(values), np.sign(probes)
    prepared = prepare(probes)
    matrix = score_matrix(prepared.features, prepare(values).features)
    top = collect(prepared, values, sorted(min(cut, columns) for cut in cuts), worst_product)
    for row, scores in enumerate(matrix):
        best, order = dumb_top(scores)
        assert top.columns[row].tolist() == order + [-1] * (TOP - len(order))
        assert top.scores[row, : len(order)].tolist() == best


def test_scores_that_the_product_puts_in_another_order(worst_product):
    """Copies of one image but for last bits: all scores are nearer to each other than the bound."""
    random = np.random.default_rng(0)
    probes = 1 + 0.1 * random.standard_normal((3, 80), np.float32)  # all alike, where products are furthest off
    values = np.repeat(1 + 0.1 * random.standard_normal((1, 80), np.float32), 1000, axis=0)
    values = np.where(random.random(values.shape) < 0.2, np.nextafter(values, np.float32(9)), values)
    matrix = score_matrix(prepare(probes).features, prepare(values).features)
    for cuts in ([], [300, 700]):
        top = collect(prepare(probes), values, cuts, worst_product)
        assert top.columns.tolist() == [dumb_top(scores)[1] for scores in matrix]


def test_blocks_one_after_the_other():
    random = np.random.default_rng(0)
    values = np.sign(random.standard_normal((900, 12), np.float32))
    probes = prepare(values[:4] * np.float32(1.0))
    top = TopDistractors(6)
    for start in range(0, 900, 70):
        columns = np.arange(start, min(start + 70, 900))
        top.add(ScoreTile(probes, prepare(values[columns])), 2, columns)
    matrix = score_matrix(probes.features, prepare(values).features)
    for row in range(4):
        assert top.columns[2 + row].tolist() == dumb_top(matrix[row])[1]
    assert (top.columns[:2] == -1).all()


@pytest.mark.parametrize("exact", [True, False])
def test_scores_are_the_devkits_or_the_products(exact):
    random = np.random.default_rng(0)
    probes, values = (prepare(random.standard_normal((n, 400), np.float32)) for n in (3, 100))
    tile = ScoreTile(probes, values, exact=exact)
    top = TopDistractors(3)
    top.add(tile, 0, np.arange(100))
    expected = score_matrix(probes.features, values.features) if exact else tile.scores[:, :100]
    assert np.array_equal(top.scores, -np.sort(-expected, axis=1)[:, :TOP])


@pytest.mark.parametrize("cuts", [[], [3], [200, 400]])
def test_a_model_that_gives_all_strangers_one_feature(worst_product, monkeypatch, cuts):
    """Every score ties; whole rows are computed, not hundreds of thousands of pairs."""
    random = np.random.default_rng(1)
    probes = prepare(random.standard_normal((4, 12), np.float32))
    values = np.repeat(random.standard_normal((1, 12), np.float32), 600, axis=0)
    values[[7, 450]] = probes.features.values[0] * 0.9  # but for two, which are the first probe's best
    asked = []
    pairs = ScoreTile.exact_pairs
    monkeypatch.setattr(ScoreTile, "exact_pairs", lambda *given: asked.append(len(given[1])) or pairs(*given))
    top = collect(probes, values, cuts, worst_product)
    matrix = score_matrix(probes.features, prepare(values).features)
    assert top.columns.tolist() == [dumb_top(scores)[1] for scores in matrix]
    assert sum(asked) < 100
