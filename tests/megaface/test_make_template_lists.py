import json

import pytest

from insightrec.megaface import make_template_lists
from insightrec.megaface.template_list import read_template_list


@pytest.fixture
def faces(tmp_path):
    for person, count in (("ann", 3), ("bob", 2)):
        (tmp_path / "probes" / person).mkdir(parents=True)
        for place in range(count):
            (tmp_path / "probes" / person / f"{place}.jpg").write_bytes(b"")
    for place in range(30):
        folder = tmp_path / "distractors" / f"{place % 3}" / "album"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.jpg").write_bytes(b"")
    return tmp_path


def run(folder, *arguments):
    given = ["--probes", folder / "probes", "--distractors", folder / "distractors", "--output", folder / "lists"]
    make_template_lists.main([str(part) for part in (*given, *arguments)])


def test_lists_of_every_size_and_set(faces, capsys):
    run(faces, "-s", 5, 20, "-ns", 2)
    probes = read_template_list(faces / "lists" / "facescrub_features_list.json", ids_required=True)
    assert probes.paths == ["ann/0.jpg", "ann/1.jpg", "ann/2.jpg", "bob/0.jpg", "bob/1.jpg"]
    assert probes.ids == ["ann", "ann", "ann", "bob", "bob"]
    drawn = {}
    for size in (5, 20):
        for number in (1, 2):
            paths = read_template_list(faces / "lists" / f"megaface_features_list.json_{size}_{number}").paths
            assert len(set(paths)) == len(paths) == size
            assert all((faces / "distractors" / path).is_file() for path in paths)
            drawn[size, number] = paths
    assert drawn[5, 1] != drawn[5, 2]
    assert "facescrub_features_list.json: 5 images of 2 persons" in capsys.readouterr().out


def test_by_default_one_list_of_all_and_the_same_for_a_seed(faces):
    run(faces)
    path = faces / "lists" / "megaface_features_list.json_30_1"
    first = json.loads(path.read_text())
    assert "id" not in first
    run(faces, "--overwrite")
    assert json.loads(path.read_text()) == first
    run(faces, "--overwrite", "--seed", 1)
    assert json.loads(path.read_text()) != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-s", 31], "expected 31 images for the longest list, found 30"),
        (["--distractors", "nowhere"], "nowhere: expected a folder of aligned faces"),
        (["--probes", "nowhere"], "nowhere: expected a folder of identity folders"),
        ([], "exists already"),
    ],
)
def test_bad_input_is_one_line(faces, capsys, arguments, message):
    (faces / "lists").mkdir()
    (faces / "lists" / "megaface_features_list.json_30_1").write_text("mine")
    with pytest.raises(SystemExit) as stopped:
        run(faces, *arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert (faces / "lists" / "megaface_features_list.json_30_1").read_text() == "mine"
    assert not (faces / "lists" / "facescrub_features_list.json").exists()


def test_probes_without_mates(faces, capsys):
    for path in (faces / "probes").glob("*/[12].jpg"):
        path.unlink()
    with pytest.raises(SystemExit):
        run(faces)
    assert "a probe needs a mate" in capsys.readouterr().err
