"""Triplets from a bag of embeddings: for each pair of an identity, one image of another as the negative.

Everything per image runs on the devices that hold the embeddings, as operations on arrays of a block of pairs
by the whole bag. Distances are squared L2 distances of unit vectors, d = 2 - 2 cos, so that comparing cosines
compares distances: d_ap < d_an < d_ap + alpha is cos_ap > cos_an > cos_ap - alpha / 2.
"""

import math
from typing import NamedTuple

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.unit_vector import full_precision, unit

mx = import_mxnet()

RULES = ("semi-hard", "hard", "any")
SHORTEST = 1e-30  # an untrained network's embeddings can be this short and still differ in direction
_TAG = int.from_bytes(b"triplet miner", "big")  # sets these draws apart from others of the same seed
_NEVER = -math.inf  # in place of the cosine to an image of the anchor's own identity


class MiningStatistics(NamedTuple):
    """pairs: of one identity in the bag. triplets: found for them. mean_d_ap, mean_d_an: squared distances in the
    triplets, anchor to positive and to negative, 0..4; NaN without a triplet."""

    pairs: int
    triplets: int
    mean_d_ap: float
    mean_d_an: float

    @property
    def active_fraction(self):
        """Triplets for each pair, 0..1."""
        return self.triplets / self.pairs if self.pairs else 0.0


class MinedTriplets(NamedTuple):
    """Places in the bag, int64 (T,) each, in the order of anchor and positive; and a `MiningStatistics`."""

    anchor: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    statistics: MiningStatistics


def mine_triplets(embeddings, labels, alpha, rule="semi-hard", max_ap=0.0, seed=0, number=0, block=768):
    """Find at most one negative n for every pair a < p of one identity.

    Which of several negatives is taken depends on ``seed`` and ``number`` alone: with the u of [0, 1) that is
    drawn for the pair, the one at floor(u count) of them in the bag's order. (Rounding of the matrix product may
    depend on device and block, and a distance next to a bound fall on its other side.)

    Args:
        embeddings: NDArray (N, D), not normalised, or a list of them whose rows, one array after the other, are
            the bag. Blocks of pairs are shared out over the devices they lie on; each gets the whole bag.
        labels: int (N,), the identities.
        alpha: margin in squared distance, above 0.
        rule: ``"semi-hard"``: one of those with d_ap < d_an < d_ap + alpha (Schroff et al., CVPR 2015, eq. 4).
            ``"any"``: one of those with d_an < d_ap + alpha. ``"hard"``: the closest, if d_an < d_ap + alpha.
        max_ap: pairs with a larger d_ap are passed over; 0: none is.
        seed, number: of the draws, and of the bag, whole numbers of 0 or more.
        block: pairs worked on at a time on a device, whose memory for it is some 16 bytes x block x N.

    Returns:
        `MinedTriplets`.

    Raises:
        InputError: no such rule.
    """
    if rule not in RULES:
        raise InputError(f"--triplet-rule {rule}: expected one of {', '.join(RULES)}")
    parts = embeddings if isinstance(embeddings, (list, tuple)) else [embeddings]
    devices = list(dict.fromkeys(part.context for part in parts))
    labels = np.asarray(labels)
    anchor, positive = identity_pairs(labels)
    draws = np.random.default_rng([seed, _TAG, number]).random(len(anchor), np.float32)
    miners = [_DeviceMiner(parts, device, labels, alpha, rule) for device in devices]
    starts = range(0, len(anchor), block)
    found, running = [], []
    for turn in range(0, len(starts), len(miners)):  # a block on every device at a time, to bound memory
        slices = [slice(start, start + block) for start in starts[turn : turn + len(miners)]]
        found += [result.asnumpy() for result in running]
        running = [miner.mine(anchor[s], positive[s], draws[s]) for miner, s in zip(miners, slices)]
    found += [result.asnumpy() for result in running]
    negative, d_ap, d_an = np.concatenate([*found, np.empty((3, 0), np.float32)], axis=1)
    chosen = (negative >= 0) & ((d_ap <= max_ap) if max_ap > 0 else True)
    statistics = MiningStatistics(
        pairs=len(anchor),
        triplets=int(chosen.sum()),
        mean_d_ap=float(d_ap[chosen].mean(dtype=np.float64)) if chosen.any() else math.nan,
        mean_d_an=float(d_an[chosen].mean(dtype=np.float64)) if chosen.any() else math.nan,
    )
    return MinedTriplets(anchor[chosen], positive[chosen], negative[chosen].astype(np.int64), statistics)


def identity_pairs(labels):
    """All pairs of equal ``labels`` (N,): ``(first, second)``, int64 (pairs,) with first < second, in that order."""
    first, second = _members(labels, np.arange(len(labels)))
    return first[first < second], second[first < second]


def _members(labels, places):
    """``(row, member)``: for each row of ``places`` all places of the bag that have its label, ascending."""
    _, identity, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    grouped = np.argsort(identity, kind="stable")
    starts = np.cumsum(sizes) - sizes
    many = sizes[identity[places]]
    row = np.repeat(np.arange(len(places)), many)
    step = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    return row, grouped[starts[identity[places]][row] + step]


class _DeviceMiner:
    """One device's copy of the bag, and the search for a block of pairs in it."""

    def __init__(self, parts, device, labels, alpha, rule):
        bag = mx.nd.concat(*(part.as_in_context(device) for part in parts), dim=0)
        vectors = unit(full_precision(bag), SHORTEST)
        # Candidates are counted by groups of about sqrt(N) images first; rows of zeros fill up the last group.
        self._group = math.isqrt(len(labels) - 1) + 1
        fill = mx.nd.zeros((-len(labels) % self._group + 1, vectors.shape[1]), ctx=device)
        self._vectors = mx.nd.concat(vectors, fill, dim=0)[:-1]
        self._ones = mx.nd.ones((1, self._group), ctx=device)
        self._labels, self._device, self._alpha, self._rule = labels, device, alpha, rule

    def mine(self, anchor, positive, draws):
        """Start the search; float32 (3, pairs) of the negative's place, or -1, d_ap, and d_an."""
        anchors, row = np.unique(anchor, return_inverse=True)
        own, member = (self._places(places) for places in _members(self._labels, anchors))
        anchors, row, positive = (self._places(places) for places in (anchors, row, positive))
        draws = mx.nd.array(draws, ctx=self._device).expand_dims(1)

        vectors = mx.nd.take(self._vectors, anchors)
        cosine = mx.nd.FullyConnected(vectors, self._vectors, no_bias=True, num_hidden=len(self._vectors))
        to_positive = mx.nd.gather_nd(cosine, mx.nd.stack(row, positive)).expand_dims(1)
        least = to_positive - self._alpha / 2
        cosine[own, member] = _NEVER
        cosine[:, len(self._labels) :] = _NEVER
        if self._rule == "hard":
            closest = mx.nd.take(cosine.argmax(axis=1), row)
            to_negative = mx.nd.take(cosine.max(axis=1), row)
            negative = mx.nd.where(to_negative > least.reshape(-1), closest, -mx.nd.ones_like(closest))
        else:
            cosine = mx.nd.take(cosine, row)
            inside = cosine > least
            if self._rule == "semi-hard":
                inside *= cosine < to_positive
            negative = self._chosen(inside, draws)
            to_negative = mx.nd.pick(cosine, negative)
        return mx.nd.stack(negative, _distance(to_positive.reshape(-1)), _distance(to_negative))

    def _chosen(self, inside, draws):
        """Place of the floor(draw x count)-th 1 in each row of ``inside`` (pairs, N), -1 where there is none."""
        pairs = len(inside)
        inside = inside.reshape((-1, self._group))
        # A matrix product adds up a group many times faster than a sum over an axis does on a CPU.
        counts = mx.nd.FullyConnected(inside, self._ones, no_bias=True, num_hidden=1).reshape((pairs, -1))
        ends = mx.nd.cumsum(counts, axis=1)
        total = ends[:, -1:]
        rank = mx.nd.minimum(mx.nd.floor(draws * total), total - 1)  # a draw next to 1 may round up to the total
        before = ends <= rank
        group = before.sum(axis=1)
        rank = rank - (counts * before).sum(axis=1, keepdims=True)
        own_group = mx.nd.take(inside, mx.nd.arange(pairs, ctx=self._device) * counts.shape[1] + group)
        place = (mx.nd.cumsum(own_group, axis=1) <= rank).sum(axis=1)
        return mx.nd.where(total.reshape(-1) > 0, group * self._group + place, -mx.nd.ones_like(group))

    def _places(self, places):
        return mx.nd.array(places, ctx=self._device, dtype="int32")


def _distance(cosine):
    """Squared distance of unit vectors; rounding can take their cosine above 1."""
    return mx.nd.relu(2 - 2 * cosine)
