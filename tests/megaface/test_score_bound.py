import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.megaface import score_bound as module
from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.score_bound import bound_terms
from insightrec.megaface.score_tile import ScoreTile, prepare


def backwards(one, other, out):
    """A product that sums from the last dimension to the first, in float32: another order than any library's."""
    out[:] = 0
    for k in reversed(range(one.shape[1])):
        out += one[:, k, None] * other[k]


def fused(one, other, out):
    """A product with fused multiply-add: each step rounded once."""
    out[:] = 0
    for k in range(one.shape[1]):
        out[:] = out.astype(np.float64) + one[:, k, None].astype(np.float64) * other[k].astype(np.float64)


def flushing(one, other, out):
    """A product that takes subnormal numbers for zero, in what comes in and in what comes out."""

    def flush(array):
        return np.where(np.abs(array) < 2.0**-126, np.float32(0), array)

    out[:] = 0
    for k in range(one.shape[1]):
        out[:] = flush(out + flush(flush(one[:, k, None]) * flush(other[k])))


@pytest.fixture(scope="module")
def products(worst_product):
    named = {"matmul": np.matmul, "backwards": backwards, "fused": fused, "flushing": flushing}
    return {**named, "worst": worst_product}


def slack(first, second, product=np.matmul):
    """bound - |approximate - exact|, for every score, and the bounds."""
    first, second = prepare(np.float32(first)), prepare(np.float32(second))
    tile = ScoreTile(first, second, product=product)
    exact = score_matrix(first.features, second.features).astype(np.float64)
    error = np.abs(tile.scores[:, : tile.columns] - exact)
    return tile.bound[:, None] - error, tile.bound


def unit(random, count, dimension):
    values = random.standard_normal((count, dimension))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.mark.parametrize("product", ["matmul", "backwards", "fused", "flushing", "worst"])
@pytest.mark.parametrize("dimension", [1, 24, 256, 257, 513, 1100])
def test_holds_on_random_features(product, dimension, products):
    product = products[product]
    random = np.random.default_rng(dimension)
    for scale in (1, 30, 1e-20):
        assert (slack(unit(random, 9, dimension) * scale, unit(random, 50, dimension), product)[0] >= 0).all()


@pytest.mark.parametrize("product", ["matmul", "backwards", "fused", "flushing", "worst"])
def test_holds_where_rounding_is_worst(product, products):
    product = products[product]
    random = np.random.default_rng(3)
    dimension = 600
    ones = np.ones((2, dimension))
    falling = np.geomspace(1, 1e-6, dimension)[None]
    alternating = np.where(np.arange(dimension) % 2, -1.0, 1.0)[None] * (1 + 1e-4 * random.random((4, dimension)))
    large_first = ones.copy()
    large_first[:, 0] = 2.0**24
    huge = unit(random, 3, dimension) * 2.0**59
    tiny = unit(random, 3, dimension) * 2.0**-66  # products around the smallest normal number
    subnormal = unit(random, 3, dimension) * 2.0**-126
    families = [ones * 0.1, falling, falling[:, ::-1], alternating, large_first, huge, tiny, subnormal, ones * 0]
    for first in families:
        for second in families:
            assert (slack(first, second, product)[0] >= 0).all()


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 700), st.integers(-40, 40), st.integers(-40, 40), st.booleans())
def test_holds_for_any_shape_and_scale(seed, dimension, first_scale, second_scale, quantised):
    random = np.random.default_rng(seed)
    first, second = (random.standard_normal((3, dimension)) for _ in range(2))
    if quantised:
        first, second = np.sign(first), np.sign(second)
    assert (slack(first * 2.0**first_scale, second * 2.0**second_scale)[0] >= 0).all()


def test_is_not_loose():
    """Half the textbook bound, 2 gamma(2 d) |a| |b|, for unrelated faces; a tenth of it is met by parallel vectors."""
    random = np.random.default_rng(0)
    bound = slack(unit(random, 4, 512), unit(random, 100, 512))[1]
    assert bound.max() < 0.45 * 2 * 1024 * 2.0**-24
    parallel = np.full((1, 512), 0.1)
    kept, bound = slack(parallel, parallel, backwards)
    assert kept[0, 0] < 0.9 * bound[0]


def test_terms_are_norms_of_prefixes():
    values = np.random.default_rng(0).standard_normal((3, 300), np.float32)
    terms = bound_terms(values)
    for row in range(3):
        for block, (start, stop) in enumerate(((0, 256), (256, 300))):
            total = Fraction(0)
            for end in range(start + 1, stop + 1):
                total += sum(Fraction(float(number)) ** 2 for number in values[row, start:end])
            assert terms.prefix[row, block] == pytest.approx(float(total) ** 0.5, rel=1e-12)
        assert terms.norm[row] == pytest.approx(np.linalg.norm(values[row].astype(np.float64)), rel=1e-12)


def test_bound_without_blocks_is_larger(monkeypatch):
    random = np.random.default_rng(0)
    first, second = unit(random, 4, 512), unit(random, 100, 512)
    blocked = slack(first, second)[1]
    monkeypatch.setattr(module, "BLOCK", 512)
    monkeypatch.setattr("insightrec.megaface.score_tile.BLOCK", 512)
    assert (blocked < 0.65 * slack(first, second)[1]).all()


def transcribed(probe, distractors, peaks):
    """The bound of one probe over some distractors, from the docstring's four steps, in fractions and plain loops."""
    unit_roundoff, dimension = Fraction(1, 2**24), len(probe)
    blocks = [range(start, min(start + 256, dimension)) for start in range(0, dimension, 256)]

    def gamma(roundings):
        return roundings * unit_roundoff / (1 - roundings * unit_roundoff)

    def root(number):
        return Fraction(math.sqrt(number))

    def norm(vector):
        return root(sum(Fraction(float(number)) ** 2 for number in vector))

    def prefix(vector, block):
        return root(sum((block.stop - k) * Fraction(float(vector[k])) ** 2 for k in block))

    one, other = norm(probe), max(norm(row) for row in distractors)
    product_error = gamma(min(256, dimension) + len(blocks) - 1) * one * other
    running = dimension * gamma(dimension) * one * other
    for block in blocks:
        running += prefix(probe, block) * max(prefix(row, block) for row in distractors)
    for block, peak in zip(blocks[1:], peaks):
        running += len(block) * (Fraction(float(peak)) + product_error)
    sequence_error = unit_roundoff * (one * other + running)
    underflow = Fraction(1, 2**126) * (4 * dimension + root(dimension) * (one + other))
    rounding = 2 * unit_roundoff * Fraction(101, 100) * (one + other) ** 2
    return float(2 * (product_error + sequence_error + underflow) + rounding)


@pytest.mark.parametrize("dimension", [1, 7, 256, 257, 520])
@pytest.mark.parametrize("scale", [1, 2.0**40, 2.0**-63, 2.0**-120])
def test_is_the_docstrings_formula_and_a_little_more(dimension, scale):
    random = np.random.default_rng(dimension)
    probes, distractors = (np.float32(random.standard_normal((count, dimension)) * scale) for count in (3, 5))
    peaks = np.abs(random.standard_normal((3, -(-dimension // 256) - 1))) * scale**2 * 10
    found = module.score_bound(bound_terms(probes), bound_terms(distractors), peaks, dimension)
    expected = [transcribed(probe, distractors, row) for probe, row in zip(probes, peaks)]
    assert (found >= np.multiply(expected, 1 + 2.0**-31)).all()
    assert (found <= np.multiply(expected, 1 + 1e-6)).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_running_sums_of_either_sign_widen_it(sign):
    """Halves that cancel: the devkit's sum runs to |a| |b| / 2, up or down, and back to nothing."""
    ones = np.ones((1, 512))
    halves = np.where(np.arange(512) < 256, sign, -sign)[None]
    tile = ScoreTile(prepare(np.float32(ones)), prepare(np.float32(halves)))
    small = ScoreTile(prepare(np.float32(ones)), prepare(np.float32(np.tile([1, -1], 256)[None])))
    assert tile.bound[0] - small.bound[0] == pytest.approx(2 * 2.0**-24 * 256 * 256, rel=0.01)
