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
    with pytest.raises(ListError, match="rename the folder"):
        format_people({"a\tb": []}, "root")
