import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.train.image_order import ImageOrder

numbers_of_images, batch_sizes, seeds = st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**32)


@settings(max_examples=100)
@given(numbers_of_images, batch_sizes, seeds)
def test_every_epoch_visits_every_image_once(images, batch_size, seed):
    order = ImageOrder(images, batch_size, seed)
    stream = np.concatenate([order.batch(position) for position in range(0, 4 * images, batch_size)])
    assert stream.dtype == np.int64
    for epoch in range(4):
        assert sorted(stream[epoch * images : (epoch + 1) * images]) == list(range(images))
        assert order.epoch(epoch * images) == order.epoch((epoch + 1) * images - 1) == epoch


@settings(max_examples=100)
@given(numbers_of_images, batch_sizes, seeds, st.integers(0, 200))
def test_a_batch_depends_on_its_position_only(images, batch_size, seed, position):
    """Whatever was asked for before, and as part of a batch of any size."""
    used = ImageOrder(images, batch_size, seed)
    used.batch(3 * position + 7)
    one_by_one = ImageOrder(images, 1, seed)
    expected = [one_by_one.batch(place)[0] for place in range(position, position + batch_size)]
    assert used.batch(position).tolist() == expected


@settings(max_examples=100)
@given(numbers_of_images, st.integers(1, 20), st.integers(1, 5), seeds, st.integers(0, 200))
def test_workers_share_out_the_batch_of_one(images, batch_size, workers, seed, position):
    shares = [ImageOrder(images, batch_size, seed, worker, workers).batch(position) for worker in range(workers)]
    whole = ImageOrder(images, workers * batch_size, seed).batch(position)
    assert np.concatenate(shares).tolist() == whole.tolist()


def test_epochs_and_seeds_differ():
    first, second = (ImageOrder(50, 50, seed=0).batch(position).tolist() for position in (0, 50))
    other = ImageOrder(50, 50, seed=1).batch(0).tolist()
    assert len({tuple(order) for order in (first, second, other, range(50))}) == 4


def test_places_in_an_epoch_are_uniform():
    """Each image in each place in 1/8 of 4,000 epochs: 500 expected, standard deviation 21."""
    order = ImageOrder(8, 8, seed=3)
    epochs = np.stack([order.batch(8 * epoch) for epoch in range(4000)])
    counts = np.stack([np.bincount(column, minlength=8) for column in epochs.T])
    assert np.abs(counts - 500).max() < 5 * 21


def test_a_subset_is_visited_alone():
    order = ImageOrder(np.array([7, 3, 11]), 6, seed=0)
    assert order.num_images == 3
    assert sorted(order.batch(3)) == [3, 3, 7, 7, 11, 11]
    assert order.epoch(5) == 1
