"""The tool on photos, with a face model that knows them by their colour."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from insightrec.deploy import test as module
from insightrec.deploy.feature_comparison import compare_features
from insightrec.deploy.gender_age import GenderAge
from insightrec.deploy.test import main, parse
from insightrec.recordio_tools.image_codec import encode_rgb

ANGLES = {"red": 0, "pink": 60, "green": 90}  # of the features, degrees: squared distances 1 and 2
COLORS = {"red": (255, 0, 0), "pink": (255, 0, 255), "green": (0, 255, 0), "black": (0, 0, 0)}


class FaceModel:
    """Stands in for the real one: black photos show no face."""

    def __init__(self, args):
        self.args = args

    def get_input(self, face_img):
        assert face_img.shape == (20, 30, 3)
        return face_img[0, 0, ::-1].tolist() if face_img.any() else None

    def get_feature(self, aligned):
        (angle,) = (np.radians(ANGLES[name]) for name, color in COLORS.items() if list(color) == aligned)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)

    def get_ga(self, aligned):
        return GenderAge(int(aligned[0] == 0), 31)

    def compare(self, first, second):
        return compare_features(first, second, self.args.threshold)


@pytest.fixture(autouse=True)
def face_model(monkeypatch):
    monkeypatch.setattr(module, "FaceModel", FaceModel)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, color in COLORS.items():
        Path(f"{name}.png").write_bytes(encode_rgb(np.full((20, 30, 3), color, np.uint8), ".png"))
    return tmp_path


def refused(capsys, *argv):
    """What the tool says, on one line, when it stops with status 2."""
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_upstreams_flags_and_defaults():
    args = parse(["a.jpg"])
    assert (args.image_size, args.model, args.ga_model, args.gpu) == ((112, 112), "", "", None)
    assert (args.det, args.flip, args.threshold) == (0, 0, 1.24)
    models = ["--image-size", "112,96", "--model", "m,0", "--ga-model", "g,0", "--gpu", "1"]
    args = parse([*models, "--det", "2", "--flip", "1", "--threshold", "1.3", "a.jpg", "b.jpg"])
    assert (args.image_size, args.model, args.ga_model, args.gpu) == ((112, 96), "m,0", "g,0", 1)
    assert (args.det, args.flip, args.threshold, args.images) == (2, 1, 1.3, ["a.jpg", "b.jpg"])


def test_one_photo_gives_its_numbers(photos, capsys):
    main(["pink.png", "--model", "m,0"])
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert first == "pink.png: 2 numbers, of length 1"
    np.testing.assert_array_equal(np.float32(rest.strip("[] \n").split()), FaceModel(None).get_feature([255, 0, 255]))


def test_many_numbers_are_printed_whole(capsys):
    feature = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    module.print_feature("a.jpg", feature)
    numbers = capsys.readouterr().out.split("\n", 1)[1].strip("[] \n").split()
    np.testing.assert_array_equal(np.float32(numbers), feature)


def test_two_photos(photos, capsys):
    main(["red.png", "pink.png", "--model", "m,0"])
    verdict, meaning = capsys.readouterr().out.splitlines()
    assert verdict == "red.png, pink.png: squared distance 1.00000, cosine 0.50000: the same person"
    assert meaning.startswith("the same person: squared distance below 1.24, a cosine above 0.38. ")
    main(["red.png", "pink.png", "--model", "m,0", "--threshold", "0.9"])
    verdict, meaning = capsys.readouterr().out.splitlines()
    assert verdict.endswith("cosine 0.50000: different persons")
    assert "below 0.9, a cosine above 0.55" in meaning


def test_every_pair_of_more_photos(photos, capsys):
    main(["red.png", "pink.png", "green.png", "--model", "m,0"])
    found = re.findall(r"^(\w+)\.png, (\w+)\.png: squared distance (\d\.\d)", capsys.readouterr().out, re.MULTILINE)
    assert found == [("red", "pink", "1.0"), ("red", "green", "2.0"), ("pink", "green", "0.2")]


def test_gender_and_age_come_first_and_features_follow(photos, capsys):
    main(["red.png", "green.png", "--model", "m,0", "--ga-model", "g,0"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["red.png: female, 31 years", "green.png: male, 31 years"]
    assert lines[2].endswith("different persons")
    main(["red.png", "--ga-model", "g,0"])
    assert capsys.readouterr().out == "red.png: female, 31 years\n"


def test_features_are_written_whole_and_not_over_others(photos, capsys):
    main(["red.png", "green.png", "--model", "m,0", "--output", "found.npy"])
    features = np.load("found.npy")
    np.testing.assert_allclose(features, [[1, 0], [0, 1]], atol=1e-7)
    assert features.dtype == np.float32
    capsys.readouterr()
    assert "found.npy: exists already" in refused(capsys, "pink.png", "--model", "m,0", "--output", "found.npy")
    main(["pink.png", "--model", "m,0", "--output", "found.npy", "--overwrite"])
    assert np.load("found.npy").shape == (1, 2)
    assert sorted(path.name for path in photos.iterdir() if path.suffix != ".png") == ["found.npy"]


def test_a_photo_without_a_face(photos, capsys):
    err = refused(capsys, "red.png", "black.png", "--model", "m,0", "--output", "found.npy")
    assert err == (
        "test: error: black.png: expected a face, found none; try another photo, or --det 1 if the photo is a face, "
        "roughly cropped\n"
    )
    assert not Path("found.npy").exists()
    assert "or --det 0, which looks for one" in refused(capsys, "black.png", "--model", "m,0", "--det", "1")


def test_photos_that_cannot_be_read(photos, capsys):
    assert "none.png: cannot be read (No such file or directory)" in refused(capsys, "none.png", "--model", "m,0")
    Path("cut.png").write_bytes(Path("red.png").read_bytes()[:60])
    assert "cut.png: image is cut short" in refused(capsys, "cut.png", "--model", "m,0")


def test_without_a_model(photos, capsys):
    assert "expected a model, found none; give --model prefix,epoch" in refused(capsys, "red.png")
    assert "expected a model" in refused(capsys, "red.png", "--ga-model", "g,0", "--output", "found.npy")


@pytest.mark.parametrize("threshold", ["-0.1", "4.1", "nan", "x"])
def test_thresholds_out_of_range(threshold, capsys):
    with pytest.raises(SystemExit):
        parse(["a.jpg", "--threshold", threshold])
    assert "expected a number, 0 to 4, found" in capsys.readouterr().err


def test_options_out_of_range(capsys):
    for flag, wrong in (("--flip", "2"), ("--det", "-1"), ("--gpu", "-2"), ("--threads", "99999999999")):
        with pytest.raises(SystemExit):
            parse(["a.jpg", flag, wrong])
        assert f"argument {flag}: expected a whole number" in capsys.readouterr().err


def run_python(*arguments, folder):
    environment = {**os.environ, "PYTHONPATH": ""}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_the_tool_runs_as_a_file_and_by_its_name():
    folder = Path(module.__file__).parent
    for arguments in (["test.py"], ["-m", "insightrec.recordio_tools.insightrec_command", "test"]):
        done = run_python(*arguments, "--help", folder=folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("usage: test.py [-h]")


def test_no_tool_beside_it_takes_it_for_the_standard_librarys_test():
    """A tool's own folder comes first in its search path: nothing that one of them imports may import ``test``."""
    folder = Path(module.__file__).parent
    names = ", ".join(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "test"))
    program = f"import sys; sys.path.insert(0, '.'); import {names}; print('test' in sys.modules)"
    done = run_python("-c", program, folder=folder)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
