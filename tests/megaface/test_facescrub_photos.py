"""FaceScrub's photos: where they are found, what their crops are called."""

import json

import pytest

from insightrec.megaface.facescrub_boxes import TABLES
from insightrec.megaface.facescrub_photos import find_facescrub
from insightrec.recordio_tools.errors import ListError

HEADER = "name\timage_id\tface_id\turl\tbbox\tsha256\n"


@pytest.fixture
def folder(tmp_path):
    for name in TABLES:
        (tmp_path / name).write_text(HEADER)
    return tmp_path


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def find(folder, *listed):
    path = folder / "list.json"
    path.write_text(json.dumps({"path": listed}))
    return find_facescrub(folder, path)


def test_targets_labels_and_boxes(folder):
    (folder / TABLES[1]).write_text(f"{HEADER}J.K. Simmons\t1\t7\tu\t1,2,30,40\th\n")
    found = find(folder, "J.K. Simmons/J.K. Simmons_7.jpg", "Zoe/Zoe_1.png", "Al B/Al B_20", "Al B/Al B_3.JPG")
    assert [(photo.target, photo.label) for photo in found] == [
        ("Al_B/Al_B_20.png", 0),
        ("Al_B/Al_B_3.png", 0),
        ("J.K._Simmons/J.K._Simmons_7.png", 1),
        ("Zoe/Zoe_1.png", 2),
    ]
    assert found[2].guide.box.tolist() == [1, 2, 30, 40]
    assert "no box for Zoe 1" in found[3].guide.fault


@pytest.mark.parametrize(
    "path",
    [
        "facescrub/Robert Downey Jr./Robert Downey Jr._49395.jpeg",
        "Robert Downey Jr./Robert Downey Jr._49395.jpg",
        "facescrub/Robert Downey Jr./Robert Downey Jr._49395",
        "facescrub/Robert_Downey_Jr./Robert_Downey_Jr._49395.png",
        "Robert_Downey_Jr./Robert_Downey_Jr._49395.jpg.gif",
    ],
)
@pytest.mark.parametrize("ending", [".jpg", ""])
def test_wherever_and_with_whatever_ending_the_photo_lies(folder, path, ending):
    touch(folder, path, "facescrub/Robert Downey Jr./Robert Downey Jr._4939.jpg", "facescrub/Else/Else_49395.jpg")
    (photo,) = find(folder, f"Robert Downey Jr./Robert Downey Jr._49395{ending}")
    assert photo.source == str(folder / path)


def test_of_two_files_of_one_number_the_listed_name_is_taken_else_the_first(folder):
    touch(folder, "facescrub/A/A_1.gif", "facescrub/A/A_1.png", "A/A_1.png")
    assert find(folder, "A/A_1.png")[0].source == str(folder / "facescrub/A/A_1.png")
    assert find(folder, "A/A_1.jpg")[0].source == str(folder / "facescrub/A/A_1.gif")


def test_a_photo_that_is_not_there_has_the_path_that_was_expected(folder):
    touch(folder, "facescrub/A B/A B_1.jpg")
    (photo,) = find(folder, "A B/A B_2.jpg")
    assert photo.source == str(folder / "facescrub/A B/A B_2.jpg")


def test_a_name_listed_twice_is_one_photo(folder):
    assert len(find(folder, "A B/A B_2.jpg", "A_B/A_B_2.png")) == 1


@pytest.mark.parametrize("path", ["A/A.jpg", "A/_1.jpg", "A/A_x.jpg", "A/A_.jpg", ".._1.jpg", "A/.._1.jpg"])
def test_names_that_are_none_of_facescrub(folder, path):
    with pytest.raises(ListError, match=r"list.json: expected photos <Name>/<Name>_<number>.jpg, found "):
        find(folder, path)
