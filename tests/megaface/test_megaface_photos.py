"""Which files are photos of MegaFace or FG-NET, their order and labels."""

import json

import pytest

from insightrec.megaface.megaface_photos import find_megaface, listed_megaface
from insightrec.megaface.protocol_photo import photo_order
from insightrec.recordio_tools.errors import ListError

PHOTOS = ["000/1@N00/2_0.jpg", "000/1@N00/10_0.jpg", "000/1@N01/1_0.jpg", "001/1@N00/1_0.jpg", "068/068A03.JPG"]


@pytest.fixture
def folder(tmp_path):
    for path in [*PHOTOS, "000/1@N00/2_0.jpg.json", "000/1@N00/3.jpg.jpg", "000/1@N00/.4.jpg", ".git/1.jpg", "a.txt"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "002/empty").mkdir(parents=True)
    return tmp_path


def write_list(folder, paths):
    path = folder / "list.json"
    path.write_text(json.dumps({"path": paths}))
    return path


def test_all_photos_with_a_label_for_each_folder(folder):
    found = list(find_megaface(folder))
    assert [(photo.target, photo.label) for photo in found] == [
        ("000/1@N00/10_0.jpg", 0),
        ("000/1@N00/2_0.jpg", 0),
        ("000/1@N01/1_0.jpg", 1),
        ("001/1@N00/1_0.jpg", 2),
        ("068/068A03.JPG", 3),
    ]
    assert all(photo.source == f"{folder}/{photo.target}" and photo.guide is None for photo in found)


def test_the_order_on_disk_is_photo_order(folder):
    for path in ("000/1.jpg", "000-a/1.jpg", "068/b/1.png", "x.jpg"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    targets = [photo.target for photo in find_megaface(folder)]
    assert targets == sorted(targets, key=photo_order)
    assert len(targets) == 9
    assert list(listed_megaface(folder, write_list(folder, targets[::-1]))) == list(find_megaface(folder))


def test_the_photos_of_a_list_there_or_not_each_once(folder):
    path = write_list(folder, ["068/068A03.JPG", "000/1@N00/9.jpg", "068/068A03.JPG"])
    found = list(listed_megaface(folder, path))
    assert [(photo.target, photo.label) for photo in found] == [("000/1@N00/9.jpg", 0), ("068/068A03.JPG", 1)]


def test_a_listed_file_that_cannot_have_a_crop_of_its_name(folder):
    with pytest.raises(ListError, match=r"list.json: expected photos that end in .jpg, .jpeg, .png, found '000/1.gif'"):
        list(listed_megaface(folder, write_list(folder, ["000/1.gif"])))


def test_a_name_that_no_list_can_hold(folder):
    (folder / "000" / "a\tb.jpg").touch()
    with pytest.raises(ListError, match="a path with a tab or line break"):
        list(find_megaface(folder))
