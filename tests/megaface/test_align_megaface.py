"""The tool on a small MegaFace, with a detector that finds nothing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.megaface import photo_aligner
from insightrec.megaface.align_megaface import main
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.list_file import read_list

PATHS = ["000/0@N00/1_0.jpg", "000/0@N01/5_0.jpg", "068/068A03.JPG"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    nothing = SimpleNamespace(detect=lambda image: [], confirm=lambda *_: [])
    monkeypatch.setattr(photo_aligner, "load_networks", lambda folder: None)
    monkeypatch.setattr(photo_aligner, "weights_of", lambda networks: "det1:0a")
    monkeypatch.setattr(photo_aligner, "mtcnn_detectors", lambda networks: lambda min_size: nothing)
    for path in PATHS:
        path = tmp_path / "in" / path
        path.parent.mkdir(parents=True)
        pixels = np.zeros((80, 90, 3), np.uint8)
        pixels[20:60, 10:50] = 200
        path.write_bytes(encode_rgb(pixels))
        box = {"x": 12, "y": 22, "width": 36, "height": 36}
        path.with_name(f"{path.name}.json").write_text(json.dumps({"bounding_box": box}))
    return tmp_path / "in"


def align(folder, *flags):
    main(["--input-dir", str(folder), "--output-dir", str(folder.parent / "out"), "--processes", "1", *flags])
    return folder.parent / "out"


def test_the_same_paths(folder, capsys):
    output = align(folder)
    rows = read_list(output / "lst").rows
    assert [(row.path, row.label) for row in rows] == list(zip(PATHS, range(3)))
    for row in rows:
        data, crop = read_image(output / row.path)
        assert data.startswith(b"\xff\xd8")
        assert crop.shape == (112, 112, 3)
        assert crop.min() > 150  # the box
    assert "3 crops of 3 photos" in capsys.readouterr().out


def test_only_the_photos_of_a_list(folder):
    path = folder.parent / "list.json"
    path.write_text(json.dumps({"path": [PATHS[2], PATHS[0]]}))
    output = align(folder, "--list", str(path))
    assert [(row.path, row.label) for row in read_list(output / "lst").rows] == [(PATHS[0], 0), (PATHS[2], 1)]
    assert not (output / PATHS[1]).exists()


@pytest.mark.parametrize("remove", [True, False])
def test_an_input_folder_that_is_missing_or_empty(folder, tmp_path, capsys, remove):
    empty = tmp_path / "none"
    if not remove:
        empty.mkdir()
    with pytest.raises(SystemExit) as stopped:
        align(empty)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert ("No such file" if remove else "expected photos in the folder, found none") in error
    assert error.count("\n") == 1
