"""The tool, with a detector of made faces: a face is a white square on black."""

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from insightrec.deploy import align_faces, photo_alignment
from insightrec.deploy.alignment_journal import AlignmentJournal
from insightrec.deploy.mtcnn import DetectedFace
from insightrec.recordio_tools import face2rec
from insightrec.recordio_tools.face_alignment import template
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.list_file import read_list
from insightrec.recordio_tools.usable_cores import usable_cores

CAFE = b"caf\xe9.png".decode("utf-8", "surrogateescape")


class SquareDetector:
    """Takes white squares for faces; stands in for `MTCNN`."""

    def __init__(self, networks, *, min_size, thresholds, factor, landmark_refinement):
        self._min_size = min_size

    def detect(self, image):
        time.sleep(float(os.environ.get("SECONDS_A_PHOTO", 0)))
        _, _, found, _ = cv2.connectedComponentsWithStats((image[..., 1] > 200).astype(np.uint8))
        return [
            DetectedFace(
                np.array([x, y, x + side - 1, y + side - 1], float),
                0.5 + side / 1000,
                (x, y) + template((112, 112)) * side / 112,
            )
            for x, y, side, _, _ in found[1:].tolist()
            if side >= self._min_size
        ]


def install():
    """Let the tool find faces by `SquareDetector` in this process; gives a list of how often networks were loaded."""
    loaded = []
    photo_alignment.MTCNN = SquareDetector
    photo_alignment.load_networks = lambda folder: loaded.append(folder) or ()
    return loaded


@pytest.fixture(autouse=True)
def made_detector(monkeypatch):
    for name in ("MTCNN", "load_networks"):
        monkeypatch.setattr(photo_alignment, name, None)  # put back what was there
    return install()


def write_photo(path, *squares, seed=0, size=(200, 240)):
    """A photo with white squares (left, top, side) on a dark pattern; as PNG, whatever it is called."""
    rows = np.random.default_rng(seed).integers(0, 100, (10, size[1], 3), np.uint8)
    image = np.resize(rows, (*size, 3))  # again and again
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_rgb(image, ".png", 1))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Identities of all kinds; the current folder is the one that holds ``photos``."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    write_photo(folder / "ann" / "a.bmp", (40, 30, 90), seed=1)
    write_photo(folder / "ann" / "a.c.jpg", (20, 30, 60), (90, 60, 50), seed=2)
    write_photo(folder / "bob" / "nobody.png", seed=3)
    (folder / "bob" / "cut.png").write_bytes((folder / "ann" / "a.bmp").read_bytes()[:-500])
    write_photo(folder / "cleo" / CAFE, (100, 90, 70), seed=4)
    write_photo(folder / "cleo" / "large.png", (1000, 300, 400), seed=5, size=(900, 2400))
    write_photo(folder / "cleo" / "x.jpg", (60, 50, 80), seed=6)
    write_photo(folder / "cleo" / "x.png", (60, 50, 30), seed=7)
    (folder / "empty").mkdir()
    return folder


def align(*options, processes=1):
    align_faces.main(["--input", "photos", "--output", "aligned", "--processes", str(processes), *map(str, options)])


def table():
    with open("aligned.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        return {line["image"]: line for line in csv.DictReader(file)}


def everything():
    """{path: bytes} of all that a run writes, but for the journal, whose order is that of the work."""
    files = [path for path in Path("aligned").rglob("*") if path.is_file()]
    return {
        str(path): path.read_bytes() for path in [*files, *map(Path, ("aligned.lst", "aligned.csv", "aligned.html"))]
    }


def everything_but_the_page():
    Path("aligned.html").write_bytes(b"")
    found = everything()
    Path("aligned.html").unlink()
    return found


def finished():
    """How many photos the journal says are done, of a run that may be writing it."""
    lines = Path("aligned.journal").read_bytes().split(b"\n")[1:-1]
    return sum(len(json.loads(line)) > 2 for line in lines)


def error_of(capsys, *options):
    with pytest.raises(SystemExit) as stopped:
        align(*options)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_folder(photos, capsys):
    align("--report")
    rows = table()
    assert {photo: row["status"] for photo, row in rows.items()} == {
        "ann/a.bmp": "aligned",
        "ann/a.c.jpg": "aligned",
        "bob/cut.png": "failed",
        "bob/nobody.png": "no-face",
        f"cleo/{CAFE}": "aligned",
        "cleo/large.png": "aligned",
        "cleo/x.jpg": "aligned",
        "cleo/x.png": "aligned",
    }
    assert sorted(path.name for path in Path("aligned").rglob("*.jpg")) == sorted(
        ["a.jpg", "a.c.jpg", CAFE.replace("png", "jpg"), "large.jpg", "x.jpg.jpg", "x.png.jpg"]
    )
    assert "image is cut short" in rows["bob/cut.png"]["reason"]
    assert [rows["ann/a.c.jpg"][name] for name in ("width", "height", "faces", "x1", "crop")] == [
        *("240", "200", "2", "90.0", "ann/a.c.jpg")  # the central one
    ]
    out, err = capsys.readouterr()
    assert "aligned 8 photos of 2 identities\n  aligned      6\n  center-crop  0\n  no-face      1\n" in out
    assert "\nidentities without a photo: 1 (empty)\nidentities without a crop: 1 (bob)\n" in out
    assert out.endswith("next: insightrec face2rec --root=aligned\n")
    assert err.startswith("failed: photos/bob/cut.png: image is cut short")
    assert b"<h1>Alignment of photos</h1>" in Path("aligned.html").read_bytes()


def test_a_white_square_fills_the_crop(photos):
    align("--encoding", ".png")
    assert cv2.imread("aligned/ann/a.png")[1:-1, 1:-1].min() == 255
    assert float(table()["cleo/large.png"]["x1"]) == pytest.approx(1000, abs=2)
    assert cv2.imread("aligned/cleo/large.png")[2:-2, 2:-2].min() == 255


@pytest.mark.parametrize(
    ("on_missing", "options"),
    [
        ("skip", ()),
        ("center-crop", ("--quality", "80")),
        ("center-crop", ("--image-size", "112,96", "--encoding", ".png", "--quality", "3")),
    ],
)
def test_face2rec_makes_the_same_set_of_the_crops_and_of_the_list(photos, on_missing, options, capsys):
    align("--on-missing", on_missing, *options)
    printed = capsys.readouterr().out
    commands = [command.split() for command in re.findall("insightrec face2rec (.*)", printed)]
    face2rec.main([*commands[0], "--output", "of_crops"])
    face2rec.main([*(commands[1] if options else ["aligned.lst"]), "--output", "of_list"])
    crops, warped = FaceRecordSet("of_crops"), FaceRecordSet("of_list/aligned.rec")
    assert crops.labels().tolist() == warped.labels().tolist() == [row.label for row in read_list("aligned.lst").rows]
    assert len(crops) == len(list(Path("aligned").rglob("*.*"))) == (6 if on_missing == "skip" else 7)
    for position in range(len(crops)):
        assert bytes(crops.record(position)[1]) == bytes(warped.record(position)[1])
    assert f"aligned 8 photos of {crops.num_identities} identities\n" in printed
    assert crops.num_identities == warped.num_identities == (2 if on_missing == "skip" else 3)


def test_photos_of_every_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = np.zeros((200, 240, 3), np.uint8)
    plain[90:150, 20:80] = 255
    gray = plain[..., 0]
    folder = tmp_path / "photos" / "ann"
    folder.mkdir(parents=True)
    Image.fromarray(gray).save(folder / "gray.png")
    Image.fromarray(np.dstack([plain, gray])).save(folder / "alpha.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(folder / "deep.png")
    Image.merge("CMYK", [Image.fromarray(255 - gray)] * 4).save(folder / "ink.jpg", quality=95)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(np.ascontiguousarray(np.rot90(plain))).save(folder / "turned.jpg", exif=turned, quality=95)
    align()
    for photo, row in table().items():
        assert (row["status"], row["width"], row["height"]) == ("aligned", "240", "200"), photo
        found = [float(row[name]) for name in ("x1", "y1", "x2", "y2")]
        np.testing.assert_allclose(found, (20, 90, 79, 149), atol=1, err_msg=photo)
    face2rec.main(["aligned.lst", "--output", "of_list"])
    warped = FaceRecordSet("of_list/aligned.rec")
    crops = [path.read_bytes() for path in sorted(Path("aligned/ann").iterdir())]
    assert [bytes(warped.record(position)[1]) for position in range(5)] == crops


def test_the_output_does_not_depend_on_processes(photos, tmp_path):
    align("--report")
    one = everything()
    run_script(tmp_path, "--report", "--overwrite", "--processes", "2").communicate()
    assert everything() == one


def run_script(folder, *options, **environment):
    """The tool in a process of its own, whose workers find faces by `SquareDetector` too."""
    script = folder / "run.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "import test_align_faces\ntest_align_faces.install()\n"
        'if __name__ == "__main__":\n    test_align_faces.align_faces.main(sys.argv[1:])\n'
    )
    return subprocess.Popen(
        [sys.executable, script, "--input", "photos", "--output", "aligned", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_killed_run_is_resumed(photos, tmp_path, capsys):
    for number in range(40):
        write_photo(photos / "dan" / f"{number:02d}.png", (50, 40, 60 + number), seed=10 + number)
    align("--report")
    whole = everything()
    with run_script(tmp_path, "--overwrite", "--report", "--processes", "2", SECONDS_A_PHOTO="0.1") as process:
        deadline = time.monotonic() + 60
        while finished() not in range(6, 40) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    time.sleep(0.5)  # its workers end
    done = finished()
    assert 5 <= done < 40
    assert not any(map(os.path.exists, ("aligned.lst", "aligned.csv", "aligned.html")))
    with open("aligned.journal", "ab") as file:
        file.write(b'["dan/39.png", [1')  # a line cut off
    made = {path: path.stat().st_mtime_ns for path in Path("aligned").rglob("*.jpg")}
    capsys.readouterr()
    align("--resume", "--report")
    assert everything() == whole
    made_again = [path for path, when in made.items() if path.stat().st_mtime_ns != when]
    assert len(made_again) <= len(made) - (done - 2)  # two of the finished photos have no crop


def test_resuming_a_finished_run_does_what_is_new_or_was_changed(photos, monkeypatch):
    align()
    seen = []
    plain = SquareDetector.detect
    monkeypatch.setattr(SquareDetector, "detect", lambda self, image: seen.append(image.shape) or plain(self, image))
    align("--resume")
    assert seen == []
    write_photo(photos / "ann" / "b.png", (30, 30, 50), size=(101, 102))
    write_photo(photos / "bob" / "cut.png", (30, 30, 50), size=(103, 104))
    write_photo(photos / "cleo" / "x.png", size=(105, 106))  # no face now
    (photos / "cleo" / "large.png").unlink()
    align("--resume", "--report")
    assert seen == [(101, 102, 3), (103, 104, 3), (105, 106, 3)]
    resumed = everything()
    assert "aligned/cleo/x.png.jpg" not in resumed
    assert "aligned/cleo/large.jpg" not in resumed
    align("--overwrite", "--report")
    assert everything() == resumed


def test_what_is_there_is_refused(photos, capsys):
    align()
    assert error_of(capsys).startswith("align_faces: error: aligned, aligned.lst, aligned.csv, aligned.journal: exists")
    assert "begun with --quality 95, not 80; give the same" in error_of(capsys, "--resume", "--quality", 80)
    photos.rename("others")
    assert "begun with --input " in error_of(capsys, "--resume", "--input", "others")


def test_of_two_runs_at_once_the_second_changes_nothing(photos, tmp_path, capsys):
    with run_script(tmp_path, "--processes", "1", SECONDS_A_PHOTO="0.3") as process:
        deadline = time.monotonic() + 60
        while not Path("aligned/ann/a.jpg").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        for option in ((), ("--overwrite", "--image-size", "112,96"), ("--resume",)):
            said = error_of(capsys, *option)
            assert said.startswith("align_faces: error: aligned: another run is writing aligned; ")
        assert process.poll() is None
        process.communicate()
    assert process.returncode == 0
    once = everything_but_the_page()
    align("--overwrite")
    assert everything_but_the_page() == once
    assert not list(tmp_path.glob(".aligned*"))


def test_files_of_others_beside_the_output_are_kept(photos, capsys):
    own = {"aligned.csv": b"my labels", "aligned.journal": b"diary\n"}
    for name, text in own.items():
        Path(name).write_bytes(text)
    for option in ("--overwrite", "--resume"):
        said = error_of(capsys, option)
        assert "aligned.journal: expected the journal of an earlier run beside aligned.csv, found another file" in said
    assert {name: Path(name).read_bytes() for name in own} == own
    assert not Path("aligned").exists()


def test_names_with_line_breaks_are_printed_on_one_line(photos, capsys):
    (photos / "bob\nby").mkdir()
    (photos / "bob\nby" / "a\nb.png").write_bytes(b"")
    (photos / "bob\nby" / "a\nb.txt").write_bytes(b"")
    align()
    out, err = capsys.readouterr()
    assert "\n  ignored      1  bob\\nby/a\\nb.txt\n" in out
    assert "without a crop: 2 (bob, bob\\nby)\n" in out
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["failed", "failed"]
    assert r"photos/bob\nby/a\nb.png: " in err


def test_the_next_command_holds_for_any_name(photos, capsys):
    align("--output=-x y", "--encoding", ".png")
    next_line, or_line = capsys.readouterr().out.splitlines()[-2:]
    face2rec.main([*shlex.split(next_line)[3:], "--output", "of_crops"])
    assert next_line == "next: insightrec face2rec '--root=-x y'"
    flags = or_line.partition("face2rec ")[2]
    assert "with the same --image-size, --encoding and --quality" in or_line
    face2rec.main([*shlex.split(flags), "--output", "of_list"])
    assert len(FaceRecordSet("of_list/-x y.rec")) == len(FaceRecordSet("of_crops")) == 6


def test_images_of_others_among_the_crops_are_named(photos, capsys):
    align()
    write_photo(Path("aligned/ann/own.jpg"))
    capsys.readouterr()
    align("--overwrite")
    assert "aligned: 1 not of this run, which face2rec would take for crops: ann/own.jpg" in capsys.readouterr().err


def test_overwriting_a_stopped_run_leaves_none_of_its_crops(photos, monkeypatch, capsys):
    def stop(journal, result):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(AlignmentJournal, "append", stop)
        align()  # the first crop is there, and nothing says that it is done
    assert [path.name for path in Path("aligned").rglob("*.*")] == ["a.jpg"]
    align("--overwrite", "--encoding", ".png")
    assert {path.suffix for path in Path("aligned").rglob("*.*")} == {".png"}
    assert "not of this run" not in capsys.readouterr().err


def test_files_that_are_no_photos_of_an_identity_are_listed(photos, capsys):
    for path in ("loose.png", "ann/deep/er/a.png", "ann/deep/notes.txt", "ann/a.heic", "bob/Thumbs.db", "empty/x.mov"):
        write_photo(photos / path)
    write_photo(photos / "ann" / "scan.TIF", (40, 30, 90))
    align("--report")
    rows = [(row["image"], row["reason"]) for row in table().values() if row["status"] == "ignored"]
    ending = "not an image's ending, which are .bmp .gif .jpeg .jpg .png .tif .tiff .webp"
    assert rows == [
        ("loose.png", "not in an identity's folder"),
        ("ann/a.heic", ending),
        ("ann/deep/notes.txt", ending),
        ("ann/deep/er/a.png", "in a folder within an identity's folder"),
        ("bob/Thumbs.db", ending),
        ("empty/x.mov", ending),
    ]
    assert table()["ann/scan.TIF"]["status"] == "aligned"
    named = "loose.png, ann/a.heic, ann/deep/notes.txt, ann/deep/er/a.png, bob/Thumbs.db ..."
    assert f"\n  ignored      6  {named}\n" in capsys.readouterr().out
    page = Path("aligned.html").read_text("utf-8")
    assert "6 files were ignored" in page
    assert "ann/deep/er/a.png: in a folder within an identity" in page


@pytest.mark.parametrize("processes", [1, 2])
def test_networks_are_loaded_once_here(photos, made_detector, processes):
    for path in sorted(photos.rglob("*.*"))[1:]:
        path.unlink()  # one photo is left: one process is enough, whatever is asked for
    align(processes=processes)
    assert made_detector == [None]


@pytest.mark.parametrize("line", [b'["ann/a.bmp", "ann/x\\u0000.jpg"]', b'["ann/a.bmp", null, "aligned", 7]'])
def test_a_damaged_journal_is_one_line(photos, line, capsys):
    align()
    with open("aligned.journal", "ab") as file:
        file.write(line + b"\n")
    assert "aligned.journal: line 18: expected what an alignment noted, found b'[" in error_of(capsys, "--resume")
    align("--overwrite")


def test_stopping_at_a_photo_that_cannot_be_used(photos, capsys):
    line = error_of(capsys, "--on-error", "raise")
    assert line.startswith("align_faces: error: photos/bob/cut.png: image is cut short")
    (photos / "bob" / "cut.png").unlink()
    align("--resume", "--on-error", "raise")
    assert len(table()) == 7


def test_no_face_in_any_photo(photos, capsys):
    assert error_of(capsys, "--min-face", 500) == (
        "align_faces: error: photos: no crop was made of 8 photos; aligned.csv says why"
    )
    assert not Path("aligned").exists()
    assert {row["status"] for row in table().values()} == {"no-face", "failed"}


@pytest.mark.parametrize("output", [".", "photos", "photos/aligned"])
def test_the_output_lies_apart_from_the_photos(photos, output, capsys):
    assert "is not inside the photos' folder, " in error_of(capsys, "--output", output)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--image-size", "128,128"), "expected 112,112 or 112,96"),
        (("--quality", "0"), r"expected 1..100 for .jpg, found 0"),
        (("--thresholds", "0.6,0.7"), "expected three numbers of 0 to 1"),
        (("--thresholds", "0.6,0.7,nan"), "expected three numbers of 0 to 1"),
        (("--factor", "0.9999999"), "expected a number, 0.01 to 0.99, found '0.9999999'"),
        (("--min-face", "11"), "expected a whole number, 12 or more"),
        (("--resume", "--overwrite"), "not allowed with argument"),
        (("--input", ""), "argument --input: expected a folder, found an empty name"),
        (("--output", ""), "argument --output: expected a folder, found an empty name"),
    ],
)
def test_options_out_of_range(photos, options, said, capsys):
    assert said in error_of(capsys, *options)
    assert not Path("aligned").exists()


def test_every_setting_has_its_flag(photos):
    args = align_faces.parse(["--input", "photos", "--output", "aligned"])
    defaults = photo_alignment.AlignmentSettings()
    assert {name: getattr(args, name) for name in defaults._fields} == defaults._asdict()
    assert args.processes == usable_cores()
