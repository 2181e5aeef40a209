import math

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

miner = pytest.importorskip("insightrec.train.triplet_miner", reason="needs MXNet")

pytestmark = pytest.mark.mxnet

TAG = int.from_bytes(b"triplet miner", "big")


def exact_embeddings(rng, count):
    """Rows of 16 whose unit vectors, and the distances of these, float32 holds exactly; many distances are equal."""
    rows = np.zeros((count, 16), np.float32)
    for row in rows:
        size = rng.choice([4, 16, 16])
        row[rng.choice(16, size, replace=False)] = rng.choice([-1, 1], size) * 2.0 ** rng.integers(-9, 10)
    return rows


def random_labels(rng):
    """1 to 7 images each of some identities, not in the order of their numbers; at times all shuffled."""
    labels = np.repeat(rng.permutation(20)[:12], rng.integers(1, 8, 12))
    return rng.permutation(labels) if rng.random() < 0.3 else labels


def oracle(embeddings, labels, alpha, rule, max_ap=0, seed=0, number=0):
    """Three plain loops; returns a list of (a, p, n) and the number of pairs."""
    unit = np.float64(embeddings)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    pairs = [(a, p) for a in range(len(labels)) for p in range(a + 1, len(labels)) if labels[a] == labels[p]]
    draws = np.random.default_rng([seed, TAG, number]).random(len(pairs), np.float32)
    triplets = []
    for (a, p), draw in zip(pairs, draws):
        d_ap = ((unit[a] - unit[p]) ** 2).sum()
        candidates, distances = [], []
        for n in range(len(labels)):
            d_an = ((unit[a] - unit[n]) ** 2).sum()
            assert d_an in (d_ap, d_ap + alpha) or min(abs(d_an - d_ap), abs(d_an - d_ap - alpha)) > 1e-5
            if labels[n] != labels[a] and d_an < d_ap + alpha and (rule != "semi-hard" or d_ap < d_an):
                candidates.append(n)
                distances.append(d_an)
        if not candidates or (max_ap and d_ap > max_ap):
            continue
        if rule == "hard":
            triplets.append((a, p, candidates[int(np.argmin(distances))]))
        else:
            triplets.append((a, p, candidates[int(draw * np.float32(len(candidates)))]))
    return triplets, len(pairs)


def triplets_of(mined):
    return list(zip(mined.anchor.tolist(), mined.positive.tolist(), mined.negative.tolist()))


@pytest.mark.parametrize("rule", miner.RULES)
@pytest.mark.parametrize("max_ap", [0, 1.5])
def test_same_triplets_as_three_plain_loops(mx, rule, max_ap):
    """Distances that are equal among themselves and to the bounds; blocks and devices make no difference."""
    rng = np.random.default_rng(1)
    found = 0
    for number in range(3):
        labels = random_labels(rng)
        embeddings = exact_embeddings(rng, len(labels))
        options = {"alpha": [0.25, 0.5, 2.0][number], "rule": rule, "max_ap": max_ap, "seed": 5, "number": number}
        expected, pairs = oracle(embeddings, labels, **options)
        for devices, block in [(1, 512), (1, 3), (2, 11), (3, 10)]:
            cuts = np.linspace(0, len(labels), 4 + 1).astype(int)[1:-1]  # four parts, more than devices
            parts = [mx.nd.array(p, ctx=mx.cpu(i % devices)) for i, p in enumerate(np.split(embeddings, cuts))]
            mined = miner.mine_triplets(parts, labels, block=block, **options)
            assert triplets_of(mined) == expected
            assert mined.statistics[:2] == (pairs, len(expected))
        found += len(expected)
    assert found > 30


@pytest.mark.parametrize("rule", miner.RULES)
def test_same_triplets_on_embeddings_like_those_of_a_network(mx, rule):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(8), 5)
    embeddings = np.float32(rng.normal(size=(8, 64))[labels] + 1.5 * rng.normal(size=(40, 64)))
    expected, _ = oracle(embeddings, labels, 0.3, rule)
    mined = miner.mine_triplets(mx.nd.array(embeddings), labels, 0.3, rule)
    assert triplets_of(mined) == expected
    assert len(expected) > 20
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    for distance, other in (("mean_d_ap", mined.positive), ("mean_d_an", mined.negative)):
        mean = np.square(unit[mined.anchor] - unit[other]).sum(axis=1).mean()
        assert getattr(mined.statistics, distance) == pytest.approx(mean, rel=1e-5)
    assert mined.statistics.active_fraction == len(expected) / 80


def at_angles(mx, *degrees):
    radians = np.radians(degrees)
    return mx.nd.array(np.stack([np.cos(radians), np.sin(radians)], axis=1))


def test_by_hand(mx):
    """Anchor at 0 and positive at 40 degrees: d_ap = 0.468. At 30, 50, 60 and 90 degrees: 0.268, 0.714, 1, 2."""
    embeddings, labels = at_angles(mx, 0, 40, 30, 50, 60, 90), [0, 0, 1, 2, 3, 4]

    def negatives(rule, **options):
        mined = [miner.mine_triplets(embeddings, labels, 0.3, rule, number=n, **options) for n in range(20)]
        return {n for result in mined for n in result.negative.tolist()}

    assert negatives("semi-hard") == {3}
    assert negatives("any") == {2, 3}
    assert negatives("hard") == {2}
    assert negatives("any", max_ap=0.46) == set()
    assert negatives("any", max_ap=0.47) == {2, 3}


def test_nothing_to_find(mx):
    for degrees, labels in [((0, 40, 180), [0, 0, 1]), ((0, 1, 2), [0, 1, 2]), ((0, 1, 2), [5, 5, 5]), ((0,), [0])]:
        mined = miner.mine_triplets(at_angles(mx, *degrees), labels, 0.3)
        assert [len(mined.anchor), len(mined.positive), len(mined.negative)] == [0, 0, 0]
        assert mined.negative.dtype == np.int64
        assert mined.statistics.active_fraction == 0
        assert math.isnan(mined.statistics.mean_d_an)


@pytest.mark.parametrize("rule", miner.RULES)
def test_own_images_are_no_negatives_whatever_alpha(mx, rule):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), [6, 1, 1])
    mined = miner.mine_triplets(mx.nd.array(rng.normal(size=(8, 3))), labels, 100.0, rule)
    assert set(mined.negative.tolist()) <= {6, 7}
    assert mined.statistics.pairs == 15


def test_every_candidate_is_as_likely(mx):
    """780 pairs with the same three candidates, and 780 with the same twelve, in four bags each."""
    rng = np.random.default_rng(0)
    for others, limit in [(3, 13.8), (12, 31.3)]:  # chi-square of others - 1 degrees of freedom at 0.001
        labels = np.append(np.zeros(40, int), 1 + np.arange(others))
        embeddings = mx.nd.array(rng.normal(size=(len(labels), 8)))
        chosen = [miner.mine_triplets(embeddings, labels, 8.0, "any", number=n).negative for n in range(4)]
        times = np.bincount(np.concatenate(chosen), minlength=len(labels))[40:]
        assert times.sum() == 4 * 780
        assert (np.square(times - times.mean()) / times.mean()).sum() < limit
        assert chosen[0].tolist() != chosen[1].tolist()


def test_the_choice_depends_on_seed_and_number_only(mx):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 5)
    embeddings = mx.nd.array(rng.normal(size=(30, 8)))

    def mined(**options):
        return miner.mine_triplets(embeddings, labels, 1.0, "any", **options).negative.tolist()

    first = mined(seed=1, number=2)
    mx.random.seed(3)
    np.random.seed(3)
    assert mined(seed=1, number=2) == first
    assert mined(seed=2, number=2) != first
    assert mined(seed=1, number=3) != first


def test_zero_and_huge_embeddings_are_mined(mx):
    rng = np.random.default_rng(0)
    directions = np.float32(rng.normal(size=(12, 8)))
    labels = np.repeat(np.arange(4), 3)
    plain = miner.mine_triplets(mx.nd.array(directions), labels, 1.0)
    huge = miner.mine_triplets(mx.nd.array(directions * np.float32(2.0**66)), labels, 1.0)  # exact, norms of 1e20
    assert triplets_of(huge) == triplets_of(plain)
    directions[5] = 0
    assert np.isfinite(miner.mine_triplets(mx.nd.array(directions), labels, 1.0).statistics).all()


def test_memory_is_a_block_of_the_bag(mx, monkeypatch):
    """No product of the bag with itself, no row for each pair: at most block rows at a time."""
    sizes = []

    def measured(function):
        def call(*arguments, **options):
            result = function(*arguments, **options)
            sizes.append(result.size)
            return result

        return call

    for name in ("FullyConnected", "take", "broadcast_greater", "cumsum"):
        monkeypatch.setattr(mx.nd, name, measured(getattr(mx.nd, name)))
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 7)  # 840 pairs of 280 images
    mined = miner.mine_triplets(mx.nd.array(rng.normal(size=(280, 4))), labels, 0.3, block=16)
    assert mined.statistics.pairs == 840
    assert max(sizes) <= 16 * (280 + math.isqrt(280) + 1)


def test_an_unknown_rule_is_refused(mx):
    with pytest.raises(InputError, match="--triplet-rule easy: expected one of semi-hard, hard, any"):
        miner.mine_triplets(mx.nd.ones((2, 2)), [0, 0], 0.3, "easy")


def test_pairs_are_all_of_them_in_order():
    rng = np.random.default_rng(0)
    for labels in ([], [3], rng.integers(0, 9, 60), rng.permutation(np.repeat(np.arange(5), [1, 2, 3, 7, 30]))):
        expected = [(a, p) for a in range(len(labels)) for p in range(a + 1, len(labels)) if labels[a] == labels[p]]
        first, second = miner.identity_pairs(np.array(labels))
        assert list(zip(first.tolist(), second.tolist())) == expected


def test_short_embeddings_of_an_untrained_network_are_mined(mx):
    """In inference mode, with moving statistics that have not moved, embeddings of 1e-8 are common."""
    rng = np.random.default_rng(2)
    labels = random_labels(rng)
    embeddings = exact_embeddings(rng, len(labels))
    long = miner.mine_triplets(mx.nd.array(embeddings), labels, 0.5)
    short = miner.mine_triplets(mx.nd.array(embeddings * np.float32(2.0**-40)), labels, 0.5)
    assert triplets_of(long) == triplets_of(short) != []
