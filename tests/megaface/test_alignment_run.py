"""A run over many photos: crops, rows and faults, and a kill in the middle of it, with a stand-in for the detector."""

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.deploy.mtcnn import DetectedFace
from insightrec.megaface import alignment_run
from insightrec.megaface.aligned_photo import TABLE
from insightrec.megaface.alignment_run import PhotoAligner, add_run_flags, run_alignment
from insightrec.megaface.face_guide import FaceGuide
from insightrec.megaface.guided_alignment import GuidedAligner
from insightrec.megaface.protocol_photo import ProtocolPhoto
from insightrec.recordio_tools.errors import ImageError, InputError, ListError, ModelError
from insightrec.recordio_tools.image_codec import encode_rgb, read_image

BOX = np.array([20.0, 10, 79, 69])
LANDMARKS = np.array([[35.0, 30], [65, 30], [50, 45], [38, 58], [62, 58]])


class BrightFaces:
    """Finds one face, always at the same place, in what is bright enough."""

    def detect(self, image):
        return [DetectedFace(BOX, 0.9, LANDMARKS)] if image.mean() > 100 else []

    def confirm(self, image, boxes, thresholds):
        return []


def write_photo(path, brightness, size=(90, 100)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(brightness).integers(0, 40, (*size, 3)) + brightness
    path.write_bytes(encode_rgb(pixels.astype(np.uint8)))
    return path


@pytest.fixture
def align(tmp_path):
    return PhotoAligner(GuidedAligner(lambda min_size: BrightFaces()), tmp_path / "out")


def photo_of(path, target="p/1.jpg", guide=None):
    return ProtocolPhoto(str(path), target, 3, guide)


def test_a_crop_is_written_as_its_name_says(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    for target, head in (("p/1.png", b"\x89PNG"), ("q/1.JPG", b"\xff\xd8"), ("p/2.PNG", b"\x89PNG")):
        row = align(photo_of(path, target, FaceGuide(BOX)))
        assert row[:3] == (target, 3, "detected")
        data, crop = read_image(tmp_path / "out" / target)
        assert (data[: len(head)], crop.shape, row.fault) == (head, (112, 112, 3), "")


def test_what_the_file_beside_the_photo_says_is_used(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    box = {"x": 20, "y": 10, "width": 60, "height": 60}
    (tmp_path / "1.jpg.json").write_text(json.dumps({"bounding_box": box}))
    assert align(photo_of(path)).how == "detected"
    (tmp_path / "1.jpg.json").write_text(json.dumps({"bounding_box": {**box, "x": 500}, "landmarks": 3}))
    row = align(photo_of(path))
    assert row.how == "center-crop"
    assert row.fault.startswith(
        f"{path}.json: expected numbers of pixels in landmarks, found 3; {path}: expected a box"
    )
    (tmp_path / "1.jpg.json").unlink()
    row = align(photo_of(path))
    assert (row.how, row.fault.partition(": ")[0]) == ("center-crop", f"{path}.json")
    assert (tmp_path / "out/p/1.jpg").is_file()


def test_a_photo_that_cannot_be_read_has_no_crop_and_loses_an_old_one(align, tmp_path):
    path = write_photo(tmp_path / "1.jpg", 150)
    assert align(photo_of(path, guide=FaceGuide())).how == "center-crop"
    path.write_bytes(path.read_bytes()[:500])
    row = align(photo_of(path, guide=FaceGuide()))
    assert (row.how, set(row.numbers)) == ("", {""})
    assert row.fault.startswith(f"{path}: image is cut short")
    assert not (tmp_path / "out/p/1.jpg").exists()
    assert "No such file" in align(photo_of(tmp_path / "none.jpg", guide=FaceGuide())).fault


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(alignment_run, "load_networks", lambda folder: SimpleNamespace(landmark=None))
    monkeypatch.setattr(alignment_run, "mtcnn_detectors", lambda networks: lambda min_size: BrightFaces())


def run(folder, photos, *flags):
    parser = ArgumentParser()
    add_run_flags(parser)
    args = parser.parse_args(["--output-dir", str(folder / "out"), "--processes", "1", *flags])
    args.input_dir = str(folder / "in")
    run_alignment(args, iter(photos), len(photos))


@pytest.fixture
def photos(tmp_path):
    guides = [FaceGuide(BOX), FaceGuide(BOX), FaceGuide(fault="no box for 2"), FaceGuide(BOX)]
    for number, brightness in ((0, 150), (1, 20), (2, 150)):
        write_photo(tmp_path / f"in/{number}.jpg", brightness)
    return [ProtocolPhoto(str(tmp_path / f"in/{n}.jpg"), f"p/{n}.jpg", 0, guide) for n, guide in enumerate(guides)]


@pytest.mark.usefixtures("stand_in")
def test_every_photo_is_accounted_for(tmp_path, photos, capsys):
    run(tmp_path, photos, "--on-error", "skip")
    printed = capsys.readouterr()
    counts = {words[0]: words[1] for words in map(str.split, printed.out.splitlines()[1:])}
    assert printed.out.startswith(f"{tmp_path / 'out' / 'lst'}: 3 crops of 4 photos\n")
    assert counts == {
        "landmarks": "0",
        "detected": "1",
        "forced": "0",
        "box-crop": "1",
        "center-crop": "1",
        "no": "crop",
    }
    assert printed.out.splitlines()[-1].split()[2] == "1"
    assert "aligned without what is said of them: 2 photos\n  no box for 2\n" in printed.err
    assert f"  {tmp_path}/in/3.jpg: cannot be read (No such file or directory)" in printed.err
    assert (tmp_path / "out/lst").read_bytes() == b"1\tp/0.jpg\t0\n1\tp/1.jpg\t0\n1\tp/2.jpg\t0\n"
    hows = [line.split(b",")[2] for line in (tmp_path / "out" / TABLE).read_bytes().splitlines()]
    assert hows == [b"how", b"detected", b"box-crop", b"center-crop", b""]


@pytest.mark.usefixtures("stand_in")
def test_the_first_fault_ends_the_run_which_can_be_continued(tmp_path, photos):
    with pytest.raises(ImageError, match=r"^no box for 2; --on-error skip lists such photos, --resume continues"):
        run(tmp_path, photos)
    assert not (tmp_path / "out/lst").exists()
    made = (tmp_path / "out/p/0.jpg").stat().st_mtime_ns
    photos[2] = photos[2]._replace(guide=FaceGuide(BOX))
    write_photo(tmp_path / "in/3.jpg", 150)
    run(tmp_path, photos, "--resume")
    assert (tmp_path / "out/lst").read_bytes().count(b"\n") == 4
    assert (tmp_path / "out/p/0.jpg").stat().st_mtime_ns == made


@pytest.mark.usefixtures("stand_in")
def test_other_options_do_not_continue_a_run(tmp_path, photos, monkeypatch):
    run(tmp_path, photos, "--on-error", "skip")
    with pytest.raises(InputError, match=r"alignment.json: expected .*\[112, 96\].*, found .*\[112, 112\]"):
        run(tmp_path, photos, "--resume", "--image-size", "112,96")
    monkeypatch.setattr(alignment_run, "load_networks", lambda folder: SimpleNamespace(landmark=print))
    with pytest.raises(InputError, match=r'alignment.json: expected .*"landmark_network": true'):
        run(tmp_path, photos, "--resume")
    run(tmp_path, photos, "--overwrite", "--on-error", "skip", "--image-size", "112,96")
    assert read_image(tmp_path / "out/p/0.jpg")[1].shape == (112, 96, 3)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("output", ["in", "in/out", "in/../in/a/b"])
def test_crops_do_not_go_among_the_photos(tmp_path, photos, output):
    with pytest.raises(InputError, match="expected an output folder outside the photos' folder"):
        run(tmp_path, photos, "--output-dir", str(tmp_path / output))


@pytest.mark.usefixtures("stand_in")
def test_no_photos_and_no_template(tmp_path, photos):
    with pytest.raises(ListError, match="expected photos in the folder, found none"):
        run(tmp_path, [])
    with pytest.raises(ImageError, match="alignment to 100x100"):
        run(tmp_path, photos, "--image-size", "100,100")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_weights_is_noticed_before_anything_is_written(tmp_path, photos):
    (tmp_path / "weights").mkdir()
    with pytest.raises(ModelError, match="det1"):
        run(tmp_path, photos, "--mtcnn", str(tmp_path / "weights"))
    assert not (tmp_path / "out").exists()


# Workers import the script anew, and with it the stand-ins.
SCRIPT = """
import time
from types import SimpleNamespace
import numpy as np
from insightrec.deploy.mtcnn import DetectedFace
from insightrec.megaface import align_megaface, alignment_run

class SlowFaces:
    def detect(self, image):
        time.sleep(0.03)
        face = DetectedFace(np.array({box}), float(image.mean() / 255), np.array({landmarks}))
        return [face] if image.mean() > 100 else []

    def confirm(self, image, boxes, thresholds):
        return []

alignment_run.load_networks = lambda folder: SimpleNamespace(landmark=None)
alignment_run.mtcnn_detectors = lambda networks: lambda min_size: SlowFaces()
if __name__ == "__main__":
    align_megaface.main()
"""


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_and_continued_with_two_processes_the_bytes_are_the_same(tmp_path):
    box = json.dumps({"bounding_box": {"x": 20, "y": 10, "width": 60, "height": 60}})
    for number in range(90):
        path = write_photo(tmp_path / f"in/{number % 3:03}/u@N0{number % 2}/{number}.jpg", 60 + number)
        path.with_name(f"{number}.jpg.json").write_text("{" if number % 17 == 5 else box)
    (tmp_path / "in/002/u@N01/99.jpg").write_bytes(b"no photo")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(box=BOX.tolist(), landmarks=LANDMARKS.tolist()))

    def command(output, *flags):
        folders = ["--input-dir", str(tmp_path / "in"), "--output-dir", str(tmp_path / output)]
        return [sys.executable, str(script), *folders, "--processes", "2", "--on-error", "skip", *flags]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    part = tmp_path / "cut" / f"{TABLE}.part"
    for flags, rows in (((), 12), (("--resume",), 40)):
        process = subprocess.Popen(command("cut", *flags), start_new_session=True, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not part.is_file() or part.read_bytes().count(b"\n") < rows:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = [line.split(b",") for line in part.read_bytes().splitlines()[1:]]
    made = [tmp_path / "cut" / line[0].decode() for line in lines[:-1] if line[2] and not line[-1]]
    times = [path.stat().st_mtime_ns for path in made]
    assert 30 < len(made) < 90
    end = subprocess.run(command("cut", "--resume"), capture_output=True, text=True, check=True)
    assert [path.stat().st_mtime_ns for path in made] == times
    found, expected = contents(tmp_path / "cut"), contents(tmp_path / "whole")
    assert found == expected
    assert len(found) == 90 + 3
    assert (end.stdout, end.stderr) == tuple(text.replace("/whole", "/cut") for text in (whole.stdout, whole.stderr))
    assert "aligned without what is said of them: 6 photos" in end.stderr
