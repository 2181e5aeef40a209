import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import InputError
from insightrec.train.identity_bags import IdentityBags

sizes_of_identities = st.lists(st.integers(0, 9), min_size=1, max_size=15).filter(lambda sizes: max(sizes) >= 2)


def ranges_of(sizes):
    ends = np.cumsum(sizes)
    return np.stack([ends - sizes, ends], axis=1)


@settings(max_examples=100, derandomize=True)
@given(sizes_of_identities, st.integers(2, 6), st.integers(2, 40), st.integers(0, 99))
def test_a_pass_holds_every_identity_once_with_images_of_its_own(sizes, images, bag_size, seed):
    bags = IdentityBags(ranges_of(sizes), bag_size, images, seed)
    whole = np.minimum(sizes, images)
    per_pass = max(sum(whole) // bag_size, 1)
    assert bags.bag_size == min(bag_size, sum(whole))
    for of_pass in range(2):
        of_bags = [bags.bag(number) for number in range(of_pass * per_pass, (of_pass + 1) * per_pass)]
        positions, labels = (np.concatenate(arrays) for arrays in zip(*of_bags))
        assert all(len(bag[0]) == len(bag[1]) == bags.bag_size for bag in of_bags)
        assert (np.repeat(np.arange(len(sizes)), sizes)[positions] == labels).all()
        assert len(set(positions)) == len(positions)
        # Identities lie one after another; all but the last are whole, over the edges of bags too.
        starts = np.flatnonzero(np.diff(labels, prepend=-1))
        runs = np.diff(np.append(starts, len(labels)))
        assert len(set(labels[starts])) == len(starts)
        assert runs[:-1].tolist() == whole[labels[starts]][:-1].tolist()
        dropped = sum(whole) - len(labels)
        assert 0 <= dropped < bags.bag_size
        if not dropped:
            assert sorted(labels[starts]) == np.flatnonzero(sizes).tolist()


def test_a_bag_depends_on_the_seed_and_its_number_only():
    ranges = ranges_of(np.random.default_rng(0).integers(1, 30, 100))
    first, again, other = (IdentityBags(ranges, 60, 5, seed) for seed in (7, 7, 8))
    there = [np.stack(first.bag(number)).tolist() for number in range(30)]
    assert [np.stack(again.bag(number)).tolist() for number in reversed(range(30))] == there[::-1]
    assert len({str(bag) for bag in there}) == 30
    assert np.stack(other.bag(0)).tolist() != there[0]


def test_another_pass_draws_other_images():
    bags = IdentityBags([[0, 100]], 5, 5, seed=0)
    seen = {image for number in range(100) for image in bags.bag(number)[0].tolist()}
    assert len(seen) > 90


def test_without_a_pair_there_is_nothing_to_mine():
    with pytest.raises(InputError, match="found none in 3: there are no pairs"):
        IdentityBags([[0, 1], [1, 2], [2, 2]])
