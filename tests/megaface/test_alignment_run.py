"""A run over many photos: crops, rows and faults, and a kill in the middle of it, with a stand-in for the detector."""

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser

import pytest
from stand_ins.bright_faces import BOX, LANDMARKS, BrightFaces, write_photo

from insightrec.megaface import photo_aligner
from insightrec.megaface.alignment_run import JOURNAL, add_flags, run_alignment
from insightrec.megaface.alignment_table import TABLE
from insightrec.megaface.face_guide import FaceGuide
from insightrec.megaface.protocol_photo import ProtocolPhoto
from insightrec.recordio_tools.errors import ImageError, InputError, ListError, ModelError
from insightrec.recordio_tools.image_file import read_image


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(photo_aligner, "load_networks", lambda folder: None)
    monkeypatch.setattr(photo_aligner, "weights_of", lambda networks: "det1:0a")
    monkeypatch.setattr(photo_aligner, "mtcnn_detectors", lambda networks: lambda min_size: BrightFaces())


def run(folder, photos, *flags):
    parser = ArgumentParser()
    add_flags(parser, photos_help="photos", list_help="list")
    given = ["--input-dir", str(folder / "in"), "--output-dir", str(folder / "out"), "--processes", "1"]
    args = parser.parse_args([*given, *flags])
    run_alignment(args, photos)


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
        "photo-crop": "1",
        "no": "crop",
    }
    assert printed.out.splitlines()[-1].split()[2] == "1"
    assert "aligned without what is said of them: 2 photos\n  no box for 2\n" in printed.err
    assert f"  {tmp_path}/in/3.jpg: cannot be read (No such file or directory)" in printed.err
    assert (tmp_path / "out/lst").read_bytes() == b"1\tp/0.jpg\t0\n1\tp/1.jpg\t0\n1\tp/2.jpg\t0\n"
    hows = [line.split(b",")[2] for line in (tmp_path / "out" / TABLE).read_bytes().splitlines()]
    assert hows == [b"how", b"detected", b"box-crop", b"photo-crop", b""]


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
    with pytest.raises(InputError, match="alignment.journal: the run was begun with --image-size 112,112, not 112,96"):
        run(tmp_path, photos, "--resume", "--image-size", "112,96")
    monkeypatch.setattr(photo_aligner, "weights_of", lambda networks: "det1:0b")
    with pytest.raises(InputError, match="begun with --mtcnn det1:0a, not det1:0b"):
        run(tmp_path, photos, "--resume")
    run(tmp_path, photos, "--overwrite", "--on-error", "skip", "--image-size", "112,96")
    assert read_image(tmp_path / "out/p/0.jpg")[1].shape == (112, 96, 3)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("output", ["in", "in/out", "in/../in/a/b"])
def test_crops_do_not_go_among_the_photos(tmp_path, photos, output):
    with pytest.raises(InputError, match="expected an output folder that is not inside the photos' folder"):
        run(tmp_path, photos, "--output-dir", str(tmp_path / output))


@pytest.mark.usefixtures("stand_in")
def test_no_photos_and_no_template(tmp_path, photos, capsys):
    with pytest.raises(ListError, match="expected photos in the folder, found none"):
        run(tmp_path, [])
    with pytest.raises(SystemExit):
        run(tmp_path, photos, "--image-size", "100,100")
    assert "for which there is a template, found '100,100'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_weights_is_noticed_before_anything_is_written(tmp_path, photos):
    (tmp_path / "weights").mkdir()
    with pytest.raises(ModelError, match="det1"):
        run(tmp_path, photos, "--mtcnn", str(tmp_path / "weights"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stand_in")
def test_a_photo_that_cannot_be_read_any_more_loses_its_crop(tmp_path, photos):
    for option in ("--resume", "--overwrite"):
        run(tmp_path, photos, "--overwrite", "--on-error", "skip")
        whole = (tmp_path / "in/0.jpg").read_bytes()
        (tmp_path / "in/0.jpg").write_bytes(whole[:500])
        run(tmp_path, photos, option, "--on-error", "skip")
        assert not (tmp_path / "out/p/0.jpg").exists()
        assert (tmp_path / "out/lst").read_bytes() == b"1\tp/1.jpg\t0\n1\tp/2.jpg\t0\n"
        (tmp_path / "in/0.jpg").write_bytes(whole)


@pytest.mark.usefixtures("stand_in")
def test_resuming_does_what_was_changed_and_nothing_else(tmp_path, photos):
    del photos[2:]
    run(tmp_path, photos)
    crops = [tmp_path / "out" / photo.crop for photo in photos]

    def made_again():
        before = [crop.stat().st_mtime_ns for crop in crops]
        run(tmp_path, photos, "--resume")
        return [crop.stat().st_mtime_ns != time for crop, time in zip(crops, before)]

    assert made_again() == [False, False]
    write_photo(tmp_path / "in/0.jpg", 170)
    assert made_again() == [True, False]
    photos[1] = photos[1]._replace(guide=FaceGuide(BOX + 1))
    assert made_again() == [False, True]
    photos[1] = photos[1]._replace(label=7)
    assert made_again() == [False, False]
    assert (tmp_path / "out/lst").read_bytes() == b"1\tp/0.jpg\t0\n1\tp/1.jpg\t7\n"
    (tmp_path / "in").rename(tmp_path / "moved")
    photos[:] = [photo._replace(source=photo.source.replace("/in/", "/moved/")) for photo in photos]
    assert made_again() == [False, False]


# Workers import the script anew, and with it the stand-ins.
SCRIPT = """
import time
from types import SimpleNamespace
import numpy as np
from insightrec.deploy.mtcnn import DetectedFace
from insightrec.megaface import align_megaface, photo_aligner

class SlowFaces:
    def detect(self, image):
        time.sleep(0.03)
        face = DetectedFace(np.array({box}), float(image.mean() / 255), np.array({landmarks}))
        return [face] if image.mean() > 100 else []

    def confirm(self, image, boxes, thresholds):
        return []

photo_aligner.load_networks = lambda folder: None
photo_aligner.weights_of = lambda networks: "det1:0a"
photo_aligner.mtcnn_detectors = lambda networks: lambda min_size: SlowFaces()
if __name__ == "__main__":
    align_megaface.main()
"""


def contents(folder):
    """{path: bytes} of all that a run writes, but for the journal, whose order is that of the work."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def results_in(journal):
    """What a journal holds of photos that are done, a list each, while a run may be writing it."""
    lines = journal.read_bytes().split(b"\n")[1:-1] if journal.is_file() else []
    return [result for result in map(json.loads, lines) if len(result) > 2]


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
    journal = tmp_path / "cut" / JOURNAL
    for flags, rows in (((), 12), (("--resume",), 40)):
        process = subprocess.Popen(command("cut", *flags), start_new_session=True, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(results_in(journal)) < rows:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "cut" / TABLE).exists()
    # Of a result: its crop is the last but two, its fault the last.
    made = [tmp_path / "cut" / result[-3] for result in results_in(journal) if result[-3] and not result[-1]]
    times = [path.stat().st_mtime_ns for path in made]
    assert 30 < len(made) < 90
    end = subprocess.run(command("cut", "--resume"), capture_output=True, text=True, check=True)
    assert [path.stat().st_mtime_ns for path in made] == times
    found, expected = contents(tmp_path / "cut"), contents(tmp_path / "whole")
    assert found == expected
    assert len(found) == 90 + 2
    assert (end.stdout, end.stderr) == tuple(text.replace("/whole", "/cut") for text in (whole.stdout, whole.stderr))
    assert "aligned without what is said of them: 6 photos" in end.stderr
