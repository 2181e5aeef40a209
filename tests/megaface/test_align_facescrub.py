"""The tool on a small FaceScrub, with a detector that finds nothing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.megaface import photo_aligner
from insightrec.megaface.align_facescrub import LIST, main
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.list_file import read_list

HEADER = "name\timage_id\tface_id\turl\tbbox\tsha256\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    nothing = SimpleNamespace(detect=lambda image: [], confirm=lambda *_: [])
    monkeypatch.setattr(photo_aligner, "load_networks", lambda folder: None)
    monkeypatch.setattr(photo_aligner, "weights_of", lambda networks: "det1:0a")
    monkeypatch.setattr(photo_aligner, "mtcnn_detectors", lambda networks: lambda min_size: nothing)
    folder = tmp_path / "in"
    for name, face_id, box in (("Bo C", 7, (10, 20, 49, 59)), ("Al D", 12, (5, 5, 64, 64))):
        path = folder / "facescrub" / name / f"{name}_{face_id}.jpeg"
        path.parent.mkdir(parents=True)
        pixels = np.zeros((80, 90, 3), np.uint8)
        pixels[box[1] : box[3] + 1, box[0] : box[2] + 1] = 200
        path.write_bytes(encode_rgb(pixels, ".png"))
        table = folder / ("facescrub_actors.txt" if name == "Bo C" else "facescrub_actresses.txt")
        table.write_text(f"{HEADER}{name}\t1\t{face_id}\tu\t{','.join(map(str, box))}\th\n")
    (folder / LIST).write_text(json.dumps({"path": ["Bo C/Bo C_7.jpg", "Al D/Al D_12.jpg"], "id": ["Bo_C", "Al_D"]}))
    return folder


def align(folder, *flags):
    main(["--input-dir", str(folder), "--output-dir", str(folder.parent / "out"), "--processes", "1", *flags])
    return folder.parent / "out"


def test_names_of_the_cropped_list_and_labels_of_the_sorted_persons(folder, capsys):
    output = align(folder)
    rows = read_list(output / "lst").rows
    assert [(row.aligned, row.path, row.label) for row in rows] == [
        (True, "Al_D/Al_D_12.png", 0),
        (True, "Bo_C/Bo_C_7.png", 1),
    ]
    for row in rows:
        data, crop = read_image(output / row.path)
        assert data.startswith(b"\x89PNG")
        assert crop.shape == (112, 112, 3)
        assert crop.min() == 200  # the box, and nothing else
    assert "2 crops of 2 photos" in capsys.readouterr().out


def test_another_list_and_a_photo_that_is_missing(folder, capsys):
    path = folder.parent / "other.json"
    path.write_text(json.dumps({"path": ["Bo C/Bo C_7.jpg", "Bo C/Bo C_8.jpg"]}))
    with pytest.raises(SystemExit) as stopped:
        align(folder, "--list", str(path))
    assert stopped.value.code == 2
    assert "Bo C_8.jpg: cannot be read (No such file or directory)" in capsys.readouterr().err
    output = align(folder, "--list", str(path), "--resume", "--on-error", "skip")
    assert len(read_list(output / "lst").rows) == 1
    assert "what is said of them: 1 photo\n" in capsys.readouterr().err


def test_no_list(folder, capsys):
    (folder / LIST).unlink()
    with pytest.raises(SystemExit) as stopped:
        align(folder)
    assert stopped.value.code == 2
    assert LIST in capsys.readouterr().err
