"""Pairs of drawn pictures, and their list."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.synthetic_faces.pairs import draw_pairs, format_pairs


@given(st.integers(2, 14), st.integers(2, 4), st.integers(1, 5), st.integers(1, 6), st.integers(0, 9))
def test_pairs_are_well_formed(people, images, folds, pairs_per_fold, seed):
    numbers = range(50, 50 + people)
    try:
        drawn = draw_pairs(numbers, images, folds, pairs_per_fold, np.random.default_rng(seed))
    except InputError:
        _assert_one_group_is_too_small(people, images, folds, pairs_per_fold)
        return
    assert len(drawn) == folds
    pictures_of_pairs = [frozenset([pair[:2], pair[2:]]) for fold in drawn for pair in fold]
    assert len(set(pictures_of_pairs)) == 2 * folds * pairs_per_fold
    assert all(len(pictures) == 2 for pictures in pictures_of_pairs)
    for fold in drawn:
        assert [first == other for first, _, other, _ in fold] == [True] * pairs_per_fold + [False] * pairs_per_fold
        for first, number, other, other_number in fold:
            assert {first, other} <= set(numbers)
            assert 1 <= min(number, other_number) <= max(number, other_number) <= images
    if people >= 2 * folds:
        in_folds = [{person for first, _, other, _ in fold for person in (first, other)} for fold in drawn]
        assert sum(map(len, in_folds)) == len(set().union(*in_folds))


def _assert_one_group_is_too_small(people, images, folds, pairs_per_fold):
    group, share = (people // folds, 1) if people >= 2 * folds else (people, folds)
    same = group * images * (images - 1) // 2
    different = group * (group - 1) // 2 * images**2
    assert share * pairs_per_fold > min(same, different)


def test_pairs_can_use_up_every_picture():
    drawn = draw_pairs(range(2), 2, 1, 2, np.random.default_rng(0))
    assert drawn[0][:2] == [(0, 1, 0, 2), (1, 1, 1, 2)]
    with pytest.raises(InputError, match="at most 2 with 2 identities of 2 images in 1 folds"):
        draw_pairs(range(2), 2, 1, 3, np.random.default_rng(0))


def test_pairs_text_is_lfw_s():
    folds = [[(1, 1, 1, 3), (1, 2, 12345, 1)], [(7, 2, 7, 10), (7, 1, 8, 1)]]
    assert format_pairs(folds) == (
        "2\t1\nperson_0001\t1\t3\nperson_0001\t2\tperson_12345\t1\nperson_0007\t2\t10\nperson_0007\t1\tperson_0008\t1\n"
    )


def test_pairs_follow_the_seed():
    first, again, other = (draw_pairs(range(20), 4, 5, 10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
