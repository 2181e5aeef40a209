import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import InputError
from insightrec.train.identity_order import IdentityOrder, group_by_label

sizes_of_identities = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any)


def ranges_of(sizes):
    ends = np.cumsum(sizes)
    return np.stack([ends - sizes, ends], axis=1)


def identity_of(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


@settings(max_examples=100, derandomize=True)
@given(sizes_of_identities, st.integers(1, 4), st.integers(2, 6), st.integers(1, 3), st.integers(0, 99))
def test_every_identity_is_visited_once_an_epoch_by_all_workers_together(sizes, identities, images, workers, seed):
    """Read as many whole steps as one worker needs for three epochs; the visits are three permutations and a bit."""
    batch = identities * images
    orders = [IdentityOrder(ranges_of(sizes), batch, images, seed, w, workers) for w in range(workers)]
    with_images = np.flatnonzero(sizes)
    step = batch * workers
    places = range(0, 3 * len(with_images) * images + step, step)
    stream = np.concatenate([order.batch(place) for place in places for order in orders])
    visits = identity_of(sizes)[stream].reshape(-1, images)
    assert (visits == visits[:, :1]).all()
    for epoch in range(3):
        visited = visits[epoch * len(with_images) :][: len(with_images), 0]
        assert sorted(visited) == with_images.tolist()
        assert orders[0].epoch(epoch * len(with_images) * images) == epoch
    for visit in stream.reshape(-1, images):
        have = sizes[identity_of(sizes)[visit[0]]]
        _, times = np.unique(visit, return_counts=True)
        assert len(times) == min(images, have)  # repeats only what is too few, and evenly
        assert times.max() - times.min() <= 1
        assert have < images or times.max() == 1


def test_a_batch_depends_on_the_seed_and_the_place_only():
    sizes = np.random.default_rng(0).integers(1, 9, 50)
    first, again, other = (IdentityOrder(ranges_of(sizes), 20, 4, seed) for seed in (7, 7, 8))
    there = [first.batch(place).tolist() for place in range(0, 4000, 20)]
    assert [again.batch(place).tolist() for place in reversed(range(0, 4000, 20))] == there[::-1]
    assert other.batch(0).tolist() != there[0]
    assert there[0] != there[10]  # the next epoch is in another order
    assert all(len(set(batch)) > 1 for batch in there)


def test_an_identity_gives_other_images_at_its_next_visit():
    order = IdentityOrder([[0, 100]], 4, 4, seed=0)
    seen = {image for place in range(0, 400, 4) for image in order.batch(place).tolist()}
    assert len(seen) > 90


def test_fewer_identities_than_a_batch_takes():
    batch = IdentityOrder([[0, 5], [5, 10]], 12, 2, seed=3).batch(0)
    assert np.bincount(batch // 5).tolist() == [6, 6]


def test_a_flat_set_is_grouped_by_its_labels():
    labels = np.array([7, 3, 7, 3, 3, 9, 7])
    images, ranges = group_by_label(labels)
    assert images.tolist() == [1, 3, 4, 0, 2, 6, 5]
    assert ranges.tolist() == [[0, 3], [3, 6], [6, 7]]
    order = IdentityOrder(ranges, 9, 3, seed=0, images=images)
    for place in (0, 9, 18):
        visits = order.batch(place).reshape(3, 3)
        assert sorted(map(sorted, visits.tolist())) == [[0, 2, 6], [1, 3, 4], [5, 5, 5]]


def test_what_cannot_be_ordered_is_refused():
    with pytest.raises(
        InputError, match="--images-per-identity 5 divides, found 128 images; give --per-batch-size 125"
    ):
        IdentityOrder([[0, 9]], 128, 5, seed=0)
    with pytest.raises(InputError, match="found none"):
        IdentityOrder([[4, 4]], 4, 2, seed=0)
