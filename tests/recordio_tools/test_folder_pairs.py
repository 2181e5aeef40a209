import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.folder_pairs import choose_people, draw_folder_pairs, format_people, identity_folders
from insightrec.recordio_tools.identity_exclusion import read_exclusions
from insightrec.recordio_tools.pair_list import FOLDS


def folders_of(sizes):
    return {
        f"p{person:02}": [f"p{person:02}/{place}.jpg" for place in range(size)] for person, size in enumerate(sizes)
    }


def person(path):
    return path.split("/")[0]


@given(st.lists(st.integers(2, 5), min_size=20, max_size=45), st.integers(0, 5))
def test_pairs_are_what_they_say(sizes, seed):
    folders = folders_of(sizes)
    pairs = draw_folder_pairs(folders, 2, seed, "root")
    assert [(pair.fold, pair.is_same) for pair in pairs] == [
        (fold, same) for fold in range(FOLDS) for same in (True, True, False, False)
    ]
    assert all((person(pair.path_a) == person(pair.path_b)) == pair.is_same for pair in pairs)
    assert len({frozenset(pair[:2]) for pair in pairs}) == len(pairs)
    folds = collections.defaultdict(set)
    for pair in pairs:
        folds[person(pair.path_a)].add(pair.fold)
        folds[person(pair.path_b)].add(pair.fold)
    assert all(len(found) == 1 for found in folds.values())
    listed = {path for images in folders.values() for path in images}
    assert {path for pair in pairs for path in pair[:2]} <= listed
    assert pairs == draw_folder_pairs(folders, 2, seed, "root")


def test_every_pair_is_drawn_when_all_are_asked_for():
    pairs = draw_folder_pairs(folders_of([2] * 20), 2, 0, "root")  # two people a fold: 2 same pairs, 4 different ones
    assert len({frozenset(pair[:2]) for pair in pairs if pair.is_same}) == 20
    with pytest.raises(ListError, match="found 2 of a kind in fold 1 of 10 with its 2 of 20 identities"):
        draw_folder_pairs(folders_of([2] * 20), 3, 0, "root")


def test_somebody_of_whom_there_are_many_images_weighs_no_more():
    folders = folders_of([200] * 10 + [5] * 90)
    pairs = draw_folder_pairs(folders, 30, 0, "root")
    for fold in range(FOLDS):
        for is_same in (True, False):
            part = [pair for pair in pairs if (pair.fold, pair.is_same) == (fold, is_same)]
            ends = collections.Counter(person(path) for pair in part for path in pair[:2])
            assert len(ends) == 10  # everybody of the fold
            assert max(ends.values()) <= (8 if is_same else 14)  # of 60


def test_what_one_person_lacks_others_give():
    folders = folders_of([2] * 5 + [30] * 35)
    pairs = draw_folder_pairs(folders, 40, 0, "root")
    same = collections.Counter(person(pair.path_a) for pair in pairs if pair.is_same)
    assert sum(same.values()) == 40 * FOLDS
    assert [same[name] for name in list(folders)[:5]] == [1] * 5
    assert {same[name] for name in list(folders)[5:]} <= {10, 13, 14, 19, 20}


def test_surrogates_in_names_survive():
    folders = {f"p{place}\udce9": [f"p{place}\udce9/{image}.jpg" for image in "ab"] for place in range(400)}
    assert any("\udce9" in pair.path_a for pair in draw_folder_pairs(folders, 2, 0, "root"))


def test_too_few_people():
    with pytest.raises(ListError, match="found 0 of a kind in fold"):
        draw_folder_pairs(folders_of([30] * 12), 1, 0, "root")


def test_people_are_chosen_by_seed():
    folders = folders_of([2] * 30)
    chosen = choose_people(folders, 12, 3)
    assert len(chosen) == 12
    assert chosen == choose_people(folders, 12, 3) != choose_people(folders, 12, 4)
    with pytest.raises(ListError, match="--people 31"):
        choose_people(folders, 31, 0)


def test_the_list_of_people_is_what_face2rec_excludes(tmp_path):
    for name in ("ann", "José"):
        (tmp_path / "root" / name).mkdir(parents=True)
        (tmp_path / "root" / name / "1.jpg").write_bytes(b"")
    folders = identity_folders(tmp_path / "root")
    assert folders == {"ann": ["ann/1.jpg"], "José": ["José/1.jpg"]}
    (tmp_path / "people.txt").write_bytes(format_people(folders, "root"))
    assert read_exclusions(tmp_path / "people.txt") == ["José", "ann"]
    for name in ("a\tb", "a\nb", "#1"):
        with pytest.raises(ListError, match="rename the folder"):
            format_people({name: []}, "root")
