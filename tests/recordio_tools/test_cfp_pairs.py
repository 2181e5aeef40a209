import pytest

from insightrec.recordio_tools.cfp_pairs import cfp_protocol_files, read_cfp_pairs
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import Pair


@pytest.fixture
def protocol(tmp_path):
    """A protocol of 2 people with 2 frontal and 1 profile image; each split has 1 same and 2 different pairs."""
    folder = tmp_path / "Protocol"
    folder.mkdir()
    listed = {"F": ("frontal", ("001", "001", "002", "002"), "1212"), "P": ("profile", ("001", "002"), "11")}
    for letter, (view, people, numbers) in listed.items():
        lines = [f"{i} ../Data/Images/{p}/{view}/0{n}.jpg" for i, (p, n) in enumerate(zip(people, numbers), 1)]
        (folder / f"Pair_list_{letter}.txt").write_text("\r\n".join(lines))
    for name, same, different in (("FF", "1,2\n", "1,3\n4,2"), ("FP", "3,2\n", "1,2\n2,2\n")):
        for split in range(1, 11):
            (folder / "Split" / name / f"{split:02d}").mkdir(parents=True)
            (folder / "Split" / name / f"{split:02d}" / "same.txt").write_text(same)
            (folder / "Split" / name / f"{split:02d}" / "diff.txt").write_text(different)
    return folder


def image(person, view, number):
    return f"Data/Images/{person}/{view}/{number}.jpg"


def test_frontal_frontal(protocol):
    pairs = read_cfp_pairs(protocol, "FF")
    assert pairs[:3] == [
        Pair(image("001", "frontal", "01"), image("001", "frontal", "02"), True, 0),
        Pair(image("001", "frontal", "01"), image("002", "frontal", "01"), False, 0),
        Pair(image("002", "frontal", "02"), image("001", "frontal", "02"), False, 0),
    ]
    assert [pair.fold for pair in pairs] == [fold for fold in range(10) for _ in range(3)]


def test_frontal_profile_takes_the_second_image_from_the_profile_list(protocol):
    assert read_cfp_pairs(protocol, "FP")[27:] == [
        Pair(image("002", "frontal", "01"), image("002", "profile", "01"), True, 9),
        Pair(image("001", "frontal", "01"), image("002", "profile", "01"), False, 9),
        Pair(image("001", "frontal", "02"), image("002", "profile", "01"), False, 9),
    ]


def test_protocol_files(protocol):
    names = [file.relative_to(protocol).as_posix() for file in cfp_protocol_files(protocol, "FP")]
    assert len(names) == 22
    assert names[:4] == ["Pair_list_F.txt", "Pair_list_P.txt", "Split/FP/01/same.txt", "Split/FP/01/diff.txt"]
    assert names[-1] == "Split/FP/10/diff.txt"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (
            "Pair_list_F.txt",
            "1 a.jpg\n1 b.jpg",
            "F.txt: line 2: expected 'index path' with a new index, found '1 b.jpg'",
        ),
        ("Pair_list_F.txt", "a.jpg", "F.txt: line 1: expected 'index path'"),
        ("Pair_list_F.txt", "x a.jpg", "F.txt: line 1: expected 'index path'"),
        ("Pair_list_P.txt", "1 ../../a.jpg", "P.txt: line 1: expected a path below"),
        ("Pair_list_P.txt", "1 /a.jpg", "P.txt: line 1: expected a path below"),
        ("Split/FP/02/same.txt", "1;2", "02/same.txt: line 1: expected 'i,j' with i listed in Pair_list_F.txt"),
        ("Split/FP/02/diff.txt", "1,2\n1,3", "diff.txt: line 2: .* j in Pair_list_P.txt, found '1,3'"),
        ("Split/FP/02/diff.txt", "1,2\n0,1", "diff.txt: line 2: "),
        ("Split/FP/02/same.txt", "3,2\n3,2", "same.txt: expected 1 pairs as in the splits before, found 2"),
        ("Split/FP/02/same.txt", "", "empty"),
    ],
)
def test_bad_protocols(protocol, file, text, reason):
    (protocol / file).write_text(text)
    with pytest.raises(ListError, match=reason):
        read_cfp_pairs(protocol, "FP")


def test_missing_split(protocol):
    (protocol / "Split" / "FF" / "07" / "same.txt").unlink()
    with pytest.raises(ListError, match=r"07.same\.txt: expected a pair list, found no such file"):
        read_cfp_pairs(protocol, "FF")
