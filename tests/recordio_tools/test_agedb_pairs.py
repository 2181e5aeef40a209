import pytest

from insightrec.recordio_tools.agedb_pairs import read_agedb_pairs
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import Pair


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "pairs.txt").write_text(text)
        return read_agedb_pairs(tmp_path / "pairs.txt")

    return read


@pytest.mark.parametrize("separator", [" ", "\t", ",", " , ", "  \t"])
def test_separators(read, separator):
    assert read(separator.join(("x/Ann_1.jpg", "Bob_2.jpg"))) == [Pair("x/Ann_1.jpg", "Bob_2.jpg", False, 0)]


@pytest.mark.parametrize(
    ("line", "is_same"),
    [
        ("AnnB_1_AnnB_45_f AnnB_2_AnnB_15_f", True),  # names of the protocol's images
        ("AnnB_1_AnnB_45_f AnnC_2_AnnC_15_f", False),
        ("16_AnnB_71_f.jpg 17_AnnB_30_f.jpg", True),  # names of the data set
        ("16_AnnB_71_f.jpg 16_AnnC_71_f.jpg", False),
        ("a/AnnB_1.jpg b/AnnB_2.jpg", True),  # the folder does not count
        ("0.jpg 1.jpg 1", True),
        ("0.jpg 1.jpg 0", False),
        ("0.jpg 1.jpg -1", False),
        ("AnnB_1.jpg AnnB_2.jpg 0", False),  # a flag wins over the names
    ],
)
def test_who_is_who(read, line, is_same):
    assert [pair.is_same for pair in read(line)] == [is_same]


def test_folds_are_tenths(read):
    pairs = read("a_1 a_2\na_1 b_1\n" * 20)
    assert [pair.fold for pair in pairs] == [i // 4 for i in range(40)]
    assert [pair.is_same for pair in pairs] == [True, False] * 20


@pytest.mark.parametrize("text", ["a_1 a_2\na_1 b_1\n" * 21, "a_1 a_2\n" * 20 + "a_1 b_1\n" * 20, "a_1 a_2\n"])
def test_without_equal_tenths_of_both_kinds_there_are_no_folds(read, text):
    assert {pair.fold for pair in read(text)} == {0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a_1.jpg", "'image image' or 'image image flag' with flag 1, 0 or -1, found 'a_1.jpg'"),
        ("a b c d", "'image image'"),
        ("a b same", "'image image'"),
        ("1.jpg 2.jpg", "names that tell the person"),
        ("_1.jpg _2.jpg", "names that tell the person"),
        ("a_1.jpg 2_3.jpg", "names that tell the person"),
        ("a.jpg b.jpg", "names that tell the person"),  # the only field may be anything
        ("1_a.jpg 2_a.jpg", "names that tell the person"),
        ("1_2_AnnB_f.jpg 3_4_AnnB_f.jpg", "names that tell the person"),
        ("-_1.jpg -_2.jpg", "names that tell the person"),
        ("../a_1.jpg a_2.jpg", "a path below"),
        ("a_1.jpg,", "names that tell|a path below"),
    ],
)
def test_bad_lines(read, line, reason):
    with pytest.raises(ListError, match=rf"pairs.txt: line 2: expected ({reason})"):
        read(f"a_1 a_2\n{line}\n")
