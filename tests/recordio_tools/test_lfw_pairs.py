import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.lfw_pairs import read_lfw_pairs
from insightrec.recordio_tools.pair_list import Pair

TWO_FOLDS = """2\t2
Ann\t1\t4
Bob_B\t12\t3
Ann\t1\tCid\t2
Bob_B\t2\tAnn\t10
Dee\t1\t2
Dee\t1\t3
Dee\t1\tAnn\t1
Dee\t2\tAnn\t1
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "pairs.txt").write_text(text)
        return read_lfw_pairs(tmp_path / "pairs.txt")

    return read


def test_folds_of_same_then_different(read):
    pairs = read(TWO_FOLDS)
    assert pairs[:4] == [
        Pair("Ann/Ann_0001.jpg", "Ann/Ann_0004.jpg", True, 0),
        Pair("Bob_B/Bob_B_0012.jpg", "Bob_B/Bob_B_0003.jpg", True, 0),
        Pair("Ann/Ann_0001.jpg", "Cid/Cid_0002.jpg", False, 0),
        Pair("Bob_B/Bob_B_0002.jpg", "Ann/Ann_0010.jpg", False, 0),
    ]
    assert [(pair.is_same, pair.fold) for pair in pairs[4:]] == [(True, 1), (True, 1), (False, 1), (False, 1)]


def test_one_number_is_a_development_list(read):
    pairs = read("1\nAnn 1 2\nAnn 1 Bob 1\n")
    assert [(pair.is_same, pair.fold) for pair in pairs] == [(True, 0), (False, 0)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("2\t2\n", "two folds\n"), "line 1: expected 'folds pairs' or 'pairs', e.g. '10 300', found 'two folds'"),
        (("2\t2\n", "2 2 2\n"), "line 1: expected 'folds pairs'"),
        (("2\t2\n", "2 -2\n"), "line 1: expected 'folds pairs'"),
        (("2\t2\n", "2\t3\n"), r"expected 12 pairs \('2\t3'\), found 8"),
        (("2\t2\n", "9999999 9999999\n"), "expected 199999960000002 pairs"),
        (("Dee\t2\tAnn\t1\n", ""), "expected 8 pairs"),
        (("Bob_B\t12\t3", "Bob_B\t12\tAnn\t3"), r"line 3: expected 'name i j' \(a same pair of fold 1\), found 'Bob_B"),
        (("Dee\t1\tAnn\t1", "Dee\t1\t4"), r"line 8: expected 'name i name j' \(a different pair of fold 2\)"),
        (("Bob_B\t12\t3", "Bob_B\t12\tx"), "line 3: expected 'name i j'"),
        (("Bob_B\t12\t3", "../Bob\t12\t3"), "line 3: expected a path below the image folder"),
        (("Bob_B\t12\t3", "/Bob\t12\t3"), "line 3: expected a path below the image folder"),
    ],
)
def test_bad_lists(read, change, reason):
    assert change[0] in TWO_FOLDS
    with pytest.raises(ListError, match=reason):
        read(TWO_FOLDS.replace(*change))
