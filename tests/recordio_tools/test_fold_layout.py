import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.fold_layout import lay_out_folds
from insightrec.recordio_tools.pair_list import FOLDS, Pair


def listed(same, different, folds=FOLDS):
    """A list of ``folds`` folds, each of so many same and then different pairs; names tell the place."""
    kinds = [True] * same + [False] * different
    return [Pair(f"{fold}-{i}", "b", is_same, fold) for fold in range(folds) for i, is_same in enumerate(kinds)]


def tenths(pairs):
    """The folds evaluation will cut: consecutive, the first ``len % 10`` one pair longer."""
    size, longer = divmod(len(pairs), FOLDS)
    parts, start = [], 0
    for fold in range(FOLDS):
        end = start + size + (1 if fold < longer else 0)
        parts.append(pairs[start:end])
        start = end
    return parts


def test_a_complete_list_stays_as_it_is():
    pairs = listed(3, 3)
    layout = lay_out_folds(pairs, [True] * len(pairs), "p.txt")
    assert layout.pairs == pairs
    assert layout.notes == []


def test_missing_pairs_by_hand():
    pairs = listed(3, 3)
    missing = {"0-1", "4-0", "4-2", "4-5"}  # fold 4 misses two same pairs, the most
    layout = lay_out_folds(pairs, [pair.path_a not in missing for pair in pairs], "p.txt")
    by_fold = [[pair.path_a for pair in part] for part in tenths(layout.pairs)]
    assert by_fold[0] == ["0-0", "0-3"]
    assert by_fold[1] == ["1-0", "1-3"]
    assert by_fold[4] == ["4-1", "4-3"]
    assert layout.notes == [
        "4 of 60 pairs miss an image and are dropped (fold 1: 1 same, 0 different; fold 5: 2 same, 1 different)",
        "36 more are dropped, so that the 10 folds stay equal",
    ]


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_official_folds_survive(same, different, data):
    pairs = listed(same, different)
    present = data.draw(st.lists(st.integers(0, 9).map(bool), min_size=len(pairs), max_size=len(pairs)))
    lost = max(
        sum(not here for pair, here in zip(pairs, present) if (pair.fold, pair.is_same) == (fold, kind))
        for fold in range(FOLDS)
        for kind in (True, False)
    )
    if lost >= min(same, different):
        with pytest.raises(ListError, match=r"p\.txt: expected same and different pairs for each of 10 folds"):
            lay_out_folds(pairs, present, "p.txt")
        return
    kept = lay_out_folds(pairs, present, "p.txt").pairs
    here = {pair for pair, there in zip(pairs, present) if there}
    assert set(kept) <= here
    assert kept == sorted(kept, key=pairs.index)
    for fold, part in enumerate(tenths(kept)):
        assert {pair.fold for pair in part} == {fold}
        assert sum(pair.is_same for pair in part) == same - lost
        assert sum(not pair.is_same for pair in part) == different - lost


@given(st.integers(10, 60), st.integers(10, 60), st.sampled_from([1, 5]), st.randoms())
def test_lists_without_ten_folds_are_dealt_out(same, different, folds, random):
    pairs = [pair._replace(fold=i % folds) for i, pair in enumerate(listed(same, different, 1))]
    random.shuffle(pairs)
    layout = lay_out_folds(pairs, [True] * len(pairs), "p.txt")
    assert {pair.path_a for pair in layout.pairs} == {pair.path_a for pair in pairs}
    assert layout.notes == ["the list has no 10 folds: same and different pairs are dealt out to 10 evenly"]
    for fold, part in enumerate(tenths(layout.pairs)):
        assert {pair.fold for pair in part} == {fold}
        for kind, count in ((True, same), (False, different)):
            assert sum(pair.is_same is kind for pair in part) in (count // FOLDS, -(-count // FOLDS))


def test_a_list_without_folds_loses_only_what_is_missing():
    pairs = listed(12, 12, 1)
    layout = lay_out_folds(pairs, [i not in (0, 13) for i in range(24)], "p.txt")
    assert {pair.path_a for pair in layout.pairs} == {pair.path_a for i, pair in enumerate(pairs) if i not in (0, 13)}
    assert "2 of 24 pairs miss an image" in layout.notes[0]


@pytest.mark.parametrize(("same", "different"), [(9, 30), (30, 9), (0, 20), (20, 0)])
def test_too_few_pairs_of_a_kind(same, different):
    pairs = listed(same, different, 1)
    with pytest.raises(ListError, match="found too few among the"):
        lay_out_folds(pairs, [True] * len(pairs), "p.txt")
    with pytest.raises(ListError, match="found too few among the 0 pairs"):
        lay_out_folds(pairs, [False] * len(pairs), "p.txt")
