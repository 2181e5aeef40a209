"""Which lists an experiment uses."""

import pytest

from insightrec.megaface.distractor_lists import base_path, find_lists
from insightrec.recordio_tools.errors import ListError


def make(folder, *names):
    for name in names:
        (folder / f"megaface_features_list.json_{name}").write_text("{}")


def test_folder_or_base_path(tmp_path):
    base = tmp_path / "megaface_features_list.json"
    assert base_path(tmp_path) == base_path(base) == base
    assert base_path(tmp_path / "other_list.json") == tmp_path / "other_list.json"


def test_default_sizes_are_those_that_are_there(tmp_path):
    make(tmp_path, "1000_1", "10_1", "50_1")
    lists, absent = find_lists(tmp_path, None, 1)
    assert list(lists) == [(10, 1), (1000, 1)]
    assert lists[10, 1] == tmp_path / "megaface_features_list.json_10_1"
    assert absent == [100, 10000, 100000, 1000000]


def test_sizes_that_are_asked_for_must_be_there(tmp_path):
    make(tmp_path, "10_1", "10_2", "100_1")
    assert list(find_lists(tmp_path, [10, 10], 2)[0]) == [(10, 1), (10, 2)]
    with pytest.raises(ListError, match="json_7_1: expected a distractor list, found none"):
        find_lists(tmp_path, [10, 7], 1)
    with pytest.raises(ListError, match="json_100_2: expected a distractor list"):
        find_lists(tmp_path, None, 2)


def test_a_list_instead_of_what_names_start_with(tmp_path):
    make(tmp_path, "10_1")
    with pytest.raises(ListError, match="json_10_1: expected what the lists' names start with.*; leave _10_1 off"):
        find_lists(tmp_path / "megaface_features_list.json_10_1", [10], 1)


def test_no_list_at_all(tmp_path):
    with pytest.raises(ListError, match="json_SIZE_SET: expected distractor lists, found none of the default sizes"):
        find_lists(tmp_path, None, 1)
