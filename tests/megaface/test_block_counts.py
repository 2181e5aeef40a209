import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.megaface import block_counts as module
from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.score_tile import ScoreTile
from insightrec.megaface.traditional_galleries import draw_galleries
from insightrec.recordio_tools.errors import FeatureError, InputError


def draw(kind, random, probes, distractors, dimension=24):
    values = random.standard_normal((probes + distractors, dimension), np.float32)
    if kind == "unit":
        values /= np.linalg.norm(values, axis=1, keepdims=True)
    if kind == "signs":
        values = np.sign(values)
    if kind == "copies":  # distractors that are probes, exactly or but for a last bit
        copied = probes + random.integers(0, distractors, distractors // 2)
        values[copied] = values[random.integers(0, probes, len(copied))]
        values[copied[::2]] = np.nextafter(values[copied[::2]], np.float32(3))
    if kind == "norms":
        values *= np.exp2(random.integers(-8, 8, (len(values), 1))).astype(np.float32)
    if kind == "noise list":  # one more dimension, 100 for distractors that are to come last
        extra = np.zeros((len(values), 1), np.float32)
        extra[probes + random.integers(0, distractors, 1 + distractors // 10)] = 100
        values = np.concatenate([values, extra], axis=1)
    return values[:probes], values[probes:]


def count(probe_set, values, distractors, step, order=None, **mode):
    """Blocks of ``step`` columns counted apart and merged in ``order`` (a permutation seed), or one after the other."""
    total = BlockCounts(probe_set, distractors)
    parts = []
    for start in range(0, len(values), step):
        part = total if order is None else BlockCounts(probe_set, distractors)
        part.add(probe_set, values[start : start + step], start, **mode)
        parts.append(part)
    if order is not None:
        for part in np.random.default_rng(order).permutation(np.array(parts, object)):
            total.merge(part)
    assert total.complete
    return total


def pair_ranks(probe_set, counts):
    return counts.beaten_by(probe_set, probe_set.pair_threshold)


def traditional_ranks(probe_set, counts, *, own_row):
    threshold = probe_set.own_placing_threshold if own_row else probe_set.placing_threshold
    return probe_set.placings.ahead + counts.beaten_by(probe_set, threshold)


class Devkit:
    """Section 3 of the specification, from dense matrices, by loops and sorts."""

    def __init__(self, probes, ids, distractors):
        probe_features = scorable(probes)
        self.pairs = score_matrix(probe_features, probe_features)
        self.scores = score_matrix(probe_features, scorable(distractors))
        self.ids = ids

    def ranks(self):
        count = range(len(self.ids))
        pairs = [(i, j) for i in count for j in count if i != j and self.ids[i] == self.ids[j]]
        return [np.count_nonzero(self.scores[i] > self.pairs[i, j]) for i, j in pairs]

    def top(self):
        columns = range(self.scores.shape[1])
        return [sorted(columns, key=lambda column: (-row[column], -column))[:5] for row in self.scores]

    def traditional(self, own_row):
        names = sorted(set(self.ids), key=str.encode)
        subjects = [np.array([i for i, identity in enumerate(self.ids) if identity == name]) for name in names]
        ranks = []
        for gallery, probes in draw_galleries(subjects):
            for position, probe in enumerate(probes):
                order = sorted(gallery, key=lambda image: (-self.pairs[probe, image], -image))
                place = [self.ids[image] for image in order].index(self.ids[probe])
                row = self.scores[probe if own_row else position]
                ranks.append(place + np.count_nonzero(row > self.pairs[probe, order[place]]))
        return ranks

    def above_positives(self, positives):
        return [np.count_nonzero(self.scores[:100] > positive) for positive in positives]


def ids_of(random, probes):
    return [f"person {number}" for number in random.integers(0, max(probes // 4, 1), probes)] + ["twice", "twice"]


@settings(max_examples=50)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["unit", "signs", "copies", "norms", "noise list"]),
    st.integers(1, 130),
    st.integers(1, 200),
    st.integers(1, 200),
    st.one_of(st.none(), st.integers(0, 9)),
)
def test_equals_the_devkit(seed, kind, probes, distractors, step, order):
    random = np.random.default_rng(seed)
    ids = ids_of(random, probes)
    first, second = draw(kind, random, len(ids), distractors)
    probe_set = ProbeSet(first, ids)
    counts = count(probe_set, second, distractors, max(step, distractors // 8), order)
    devkit = Devkit(first, ids, second)
    assert pair_ranks(probe_set, counts).tolist() == devkit.ranks()
    top = devkit.top()
    assert [[column for column in row if column >= 0] for row in counts.top.columns.tolist()] == top
    for row, columns in enumerate(top):
        assert counts.top.scores[row, : len(columns)].tolist() == devkit.scores[row, columns].tolist()
    assert traditional_ranks(probe_set, counts, own_row=False).tolist() == devkit.traditional(own_row=False)
    assert traditional_ranks(probe_set, counts, own_row=True).tolist() == devkit.traditional(own_row=True)
    assert counts.negatives_above_positives().tolist() == devkit.above_positives(probe_set.positives)


def test_small_tiles(monkeypatch):
    """The same from tiles of 7 probes and 40 columns."""
    random = np.random.default_rng(0)
    ids = ids_of(random, 120)
    first, second = draw("copies", random, len(ids), 300)
    probe_set = ProbeSet(first, ids)
    whole = count(probe_set, second, 300, 300).to_arrays()
    monkeypatch.setattr(module, "_PROBES", 7)
    monkeypatch.setattr(module, "_COLUMNS", 40)
    tiled = count(probe_set, second, 300, 300).to_arrays()
    for name in ("histogram", "positive_histogram", "top_scores", "top_columns"):
        assert np.array_equal(whole[name], tiled[name])


def test_saved_and_restored():
    random = np.random.default_rng(0)
    ids = ids_of(random, 30)
    first, second = draw("copies", random, len(ids), 200)
    probe_set = ProbeSet(first, ids)
    expected = count(probe_set, second, 200, 200)
    counts = BlockCounts(probe_set, 200)
    for start in (100, 0, 150, 50):
        file = io.BytesIO()
        np.savez(file, **counts.to_arrays())
        counts = BlockCounts.from_arrays(probe_set, np.load(io.BytesIO(file.getvalue())))
        assert not counts.complete
        counts.add(probe_set, second[start : start + 50], start)
    assert counts.complete
    for name in ("histogram", "positive_histogram", "top_scores", "top_columns"):
        assert np.array_equal(counts.to_arrays()[name], expected.to_arrays()[name])
    assert len(counts.largest.entries) >= counts.largest.most


def test_counts_of_another_run_are_refused():
    first, _ = draw("unit", np.random.default_rng(0), 12, 50)
    saved = BlockCounts(ProbeSet(first, ["a", "b"] * 6), 50).to_arrays()
    with pytest.raises(InputError, match="saved counts: histogram: found those of another run"):
        BlockCounts.from_arrays(ProbeSet(first, ["a", "b", "c"] * 4), saved)
    del saved["top_scores"]
    with pytest.raises(InputError, match="saved counts: top_scores"):
        BlockCounts.from_arrays(ProbeSet(first, ["a", "b"] * 6), saved)


def test_a_column_counts_once():
    first, second = draw("unit", np.random.default_rng(0), 6, 50)
    probe_set = ProbeSet(first, ["a", "b"] * 3)
    counts = BlockCounts(probe_set, 50)
    counts.add(probe_set, second[:30], 0)
    with pytest.raises(InputError, match="columns 29 to 29 were counted already"):
        counts.add(probe_set, second[29:], 29)
    other = BlockCounts(probe_set, 50)
    other.add(probe_set, second[10:20], 10)
    with pytest.raises(InputError, match="counted already"):
        counts.merge(other)


def test_columns_past_the_number_are_left_out():
    random = np.random.default_rng(0)
    first, second = draw("copies", random, 20, 90)
    ids = ["a", "b"] * 10
    probe_set = ProbeSet(first, ids)
    counts = BlockCounts(probe_set, 60)
    for start in range(0, 90, 25):
        counts.add(probe_set, second[start : start + 25], start)
    assert counts.complete
    assert pair_ranks(probe_set, counts).tolist() == Devkit(first, ids, second[:60]).ranks()


def test_another_dimension():
    first, second = draw("unit", np.random.default_rng(0), 6, 50)
    probe_set = ProbeSet(first, ["a", "b"] * 3)
    with pytest.raises(FeatureError, match="expected features of 24 numbers as the probes'"):
        BlockCounts(probe_set, 50).add(probe_set, second[:, :-1], 0)


def test_fast_is_near():
    random = np.random.default_rng(0)
    first, second = draw("unit", random, 40, 500, 300)
    ids = ["a", "b"] * 20
    exact = ProbeSet(first, ids)
    fast = ProbeSet(first, ids, exact=False)
    ranks = pair_ranks(exact, count(exact, second, 500, 100))
    near = pair_ranks(fast, count(fast, second, 500, 100, exact=False))
    assert np.abs(ranks - near).max() <= 1


def test_another_product_gives_the_same(worst_product):
    random = np.random.default_rng(0)
    ids = ids_of(random, 40)
    first, second = draw("copies", random, len(ids), 100)
    probe_set, other = ProbeSet(first, ids), ProbeSet(first, ids, product=worst_product)
    assert np.array_equal(probe_set.placings.ahead, other.placings.ahead)
    usual = count(probe_set, second, 100, 30).to_arrays()
    unusual = count(other, second, 100, 30, product=worst_product).to_arrays()
    for name in ("histogram", "positive_histogram", "top_scores", "top_columns"):
        assert np.array_equal(usual[name], unusual[name])


def test_distractors_of_large_norm_do_not_loosen_the_bound_of_others(monkeypatch):
    bounds = []

    class Tile(ScoreTile):
        def __init__(self, *args, **mode):
            super().__init__(*args, **mode)
            bounds.append((self.columns, self.bound.max()))

    monkeypatch.setattr(module, "ScoreTile", Tile)
    first, second = draw("noise list", np.random.default_rng(0), 10, 100)
    count(ProbeSet(first, ["a", "b"] * 5), second, 100, 100)
    (few, loose), (many, tight) = sorted(bounds)
    assert few + many == 100
    assert tight < loose / 10
