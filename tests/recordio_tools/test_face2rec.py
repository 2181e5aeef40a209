import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insightrec.recordio_tools import face2rec
from insightrec.recordio_tools.face_alignment import align_face
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_codec import decode_rgb


def error_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        face2rec.main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    return lines[-1]


def test_root(face_tree, capsys):
    face2rec.main(["--root", str(face_tree)])
    out = capsys.readouterr().out
    faces = FaceRecordSet(face_tree.parent)
    assert faces.labels().tolist() == [0, 0, 1, 1, 1, 2]
    assert bytes(faces.record(2)[1]) == (face_tree / "bob" / "bob_0000.jpg").read_bytes()
    assert faces.record(0)[0].tolist() == [0, 1]
    assert (faces.num_classes, faces.image_size) == (3, (112, 112))
    assert (face_tree.parent / "train.lst").read_text().startswith("1\taligned/ann/ann_0000.jpg\t0\n")
    assert "images      6\n" in out
    assert "identities  3\n" in out


def test_output_does_not_depend_on_threads(face_tree, tmp_path):
    for threads in (1, 3):
        face2rec.main(
            ["--root", str(face_tree), "--output", str(tmp_path / str(threads)), "--num-thread", str(threads)]
        )
    for name in ("train.rec", "train.idx", "property", "train.lst"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()


def test_list_form_takes_size_from_property_and_keeps_it(face_tree, monkeypatch, capsys):
    monkeypatch.chdir(face_tree.parent)
    Path("property").write_text("70,112,112\n4\nshuffled\n")
    Path("train.lst").write_text("1\taligned/ann/ann_0001.jpg\t69\n1\taligned/cleo/cleo_0000.jpg\t3\n")
    face2rec.main(
        ["train", "--shuffle", "True", "--exts", ".jpg", ".jpeg", "--color", "-1"]
    )  # upstream's inert options
    faces = FaceRecordSet(".")
    assert faces.labels().tolist() == [69, 3]
    assert faces.num_classes == 70
    assert Path("property").read_text() == "70,112,112\n4\nshuffled\n"


def test_ungrouped_list_is_regrouped_unless_told(face_tree, monkeypatch, capsys):
    monkeypatch.chdir(face_tree.parent)
    lines = [f"1\taligned/bob/bob_000{place}.jpg\t{label}\n" for place, label in ((0, 5), (1, 2), (2, 5))]
    Path("train.lst").write_text("".join(lines))
    face2rec.main(["."])
    assert "2 labels in 3 runs: grouped by label" in capsys.readouterr().out
    assert (FaceRecordSet(".").labels().tolist(), FaceRecordSet(".").num_identities) == ([5, 5, 2], 2)
    face2rec.main([".", "--keep-order", "--overwrite"])
    assert (FaceRecordSet(".").labels().tolist(), FaceRecordSet(".").num_identities) == ([5, 2, 5], 3)


def test_im2rec_list_is_accepted_and_said(face_tree, capsys, monkeypatch):
    (face_tree / "flat.lst").write_text("7\t1.000\tcleo/cleo_0000.jpg\n3\t0.000\tann/ann_0000.jpg\n")
    monkeypatch.chdir("/")
    face2rec.main([str(face_tree / "flat"), "--label-dialect", "scalar"])
    assert "im2rec's columns" in capsys.readouterr().out
    faces = FaceRecordSet(face_tree / "flat.rec")
    assert [faces.record(place)[0] for place in range(2)] == [1.0, 0.0]


def test_rows_with_landmarks_are_warped(tmp_path, faces):
    points = np.array([(40, 60), (80, 55), (62, 85), (45, 105), (82, 100)])
    (tmp_path / "photo.png").write_bytes(faces(4, (150, 140), ".png"))
    columns = ["0", "photo.png", "0", "1", "2", "139", "149", *map(str, points.T.ravel())]
    (tmp_path / "x.lst").write_text("\t".join(columns) + "\n")
    face2rec.main([str(tmp_path / "x.lst"), "--encoding", ".png", "--quality", "3"])
    image, _ = FaceRecordSet(tmp_path / "x.rec")[0]
    np.testing.assert_array_equal(image, align_face(decode_rgb(faces(4, (150, 140), ".png"), "x"), points))


def test_unreadable_images_raise_or_are_listed(face_tree, capsys):
    (face_tree / "bob" / "bob_0001.jpg").write_bytes(b"not a jpeg")
    (face_tree / "cleo" / "cleo_0000.jpg").write_bytes(b"")
    line = error_of(capsys, "--root", face_tree)
    assert "bob_0001.jpg: expected an image, found 10 bytes" in line
    assert sorted(os.listdir(face_tree.parent)) == ["aligned"]
    face2rec.main(["--root", str(face_tree), "--on-error", "skip"])
    printed = capsys.readouterr()
    assert "left out: 2 images" in printed.err
    assert "bob_0001.jpg" in printed.err
    assert FaceRecordSet(face_tree.parent).labels().tolist() == [0, 0, 1, 1]
    assert FaceRecordSet(face_tree.parent).num_classes == 3


def test_bad_input_is_one_line(face_tree, tmp_path, capsys, faces):
    assert "expected a folder of identity folders" in error_of(capsys, "--root", tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "found 0 folders and no image" in error_of(capsys, "--root", tmp_path / "empty")
    assert "expected .lst files there, found none" in error_of(capsys, tmp_path / "empty")
    assert "give either PREFIX or --root" in error_of(capsys)
    assert "--num-thread" in error_of(capsys, "--root", face_tree, "--num-thread", "0")
    (face_tree / "bob" / "bob_0002.jpg").write_bytes(faces(0, (100, 112)))
    assert "expected 112x112 pixels (height x width), found 100x112" in error_of(capsys, "--root", face_tree)


def test_labels_beyond_property_are_refused(face_tree, capsys):
    (face_tree / "property").write_text("3,112,112")
    (face_tree / "train.lst").write_text("1\tann/ann_0000.jpg\t2\n1\tann/ann_0001.jpg\t3\n")
    assert "train.lst: line 2: label 3 of ann/ann_0001.jpg lies outside 0..2" in error_of(capsys, face_tree)


def write_list(folder, name, labels):
    lines = [f"1\tbob/bob_000{place}.jpg\t{label}\n" for place, label in enumerate(labels)]
    (folder / name).write_text("".join(lines))


def test_lists_of_one_folder_share_the_property_that_fits_all(face_tree):
    """The first list's own property was once taken for the user's and refused the second list."""
    write_list(face_tree, "a.lst", [0, 1])
    write_list(face_tree, "b.lst", [0, 1, 2])
    face2rec.main([str(face_tree)])
    assert (face_tree / "property").read_text() == "3,112,112\n"
    assert FaceRecordSet(face_tree / "a.rec").labels().tolist() == [0, 1]
    assert FaceRecordSet(face_tree / "b.rec").labels().tolist() == [0, 1, 2]
    face2rec.main([str(face_tree), "--output", str(face_tree / "elsewhere")])
    assert (face_tree / "elsewhere" / "property").read_text() == "3,112,112\n"


def test_a_list_that_grew_is_packed_again_with_overwrite(face_tree, capsys):
    write_list(face_tree, "train.lst", [0, 1])
    face2rec.main([str(face_tree)])
    write_list(face_tree, "train.lst", [0, 1, 2])
    face2rec.main([str(face_tree), "--overwrite"])
    assert FaceRecordSet(face_tree).num_classes == 3


def test_an_image_size_that_contradicts_property_is_refused(face_tree, capsys, faces):
    (face_tree / "bob" / "bob_0000.jpg").write_bytes(faces(1, (112, 96)))
    write_list(face_tree, "train.lst", [0])
    (face_tree / "property").write_text("1,112,112\n")
    assert "property: expected --image-size 112,112, as it says, found 112,96" in error_of(
        capsys, face_tree, "--image-size", "112,96"
    )
    face2rec.main([str(face_tree), "--image-size", "112,96", "--overwrite"])
    assert FaceRecordSet(face_tree).image_size == (112, 96)


def test_labels_that_float32_rounds_are_refused(face_tree, capsys):
    write_list(face_tree, "train.lst", [20180001, 20180003, 20180004])
    assert "train.lst: label 20180001 is above 2^24 and float32" in error_of(capsys, face_tree)


def test_the_first_image_that_is_found_says_what_paths_are_relative_to(face_tree, monkeypatch, capsys):
    monkeypatch.chdir(face_tree.parent)
    lines = ["1\taligned/bob/absent.jpg\t0\n", f"1\t{'x' * 300}.jpg\t0\n", "1\taligned/bob/bob_0001.jpg\t0\n"]
    (face_tree / "train.lst").write_text("".join(lines))
    face2rec.main([str(face_tree), "--on-error", "skip"])
    assert len(FaceRecordSet(face_tree)) == 1


def test_the_same_path_in_two_folders_is_refused(face_tree, tmp_path, monkeypatch, capsys, faces):
    """Photos of the current folder were packed in silence instead of those beside the list."""
    write_list(face_tree, "res.lst", [0, 1])
    other = tmp_path / "other"
    (other / "bob").mkdir(parents=True)
    (other / "bob" / "bob_0000.jpg").write_bytes(faces(77))
    monkeypatch.chdir(other)
    line = error_of(capsys, "../aligned/res.lst")
    assert "res.lst: line 1: expected bob/bob_0000.jpg in the current folder or beside the list" in line
    assert f"found it in both, {other}/bob/bob_0000.jpg and " in line
    assert not (face_tree / "res.rec").exists()
    (other / "bob" / "bob_0000.jpg").unlink()
    (other / "bob" / "bob_0000.jpg").symlink_to(face_tree / "bob" / "bob_0000.jpg")  # one and the same file
    (other / "bob" / "bob_0001.jpg").symlink_to(face_tree / "bob" / "bob_0001.jpg")
    face2rec.main(["../aligned/res.lst"])
    assert len(FaceRecordSet(face_tree / "res.rec")) == 2


def test_a_linked_output_folder_gets_paths_that_are_found(face_tree):
    real = face_tree.parent / "deep" / "er"
    real.mkdir(parents=True)
    face_tree.rename(real / "aligned")
    link = face_tree.parent / "link"
    link.symlink_to(real)
    face2rec.main(["--root", str(real / "aligned"), "--output", str(link)])
    assert (link / "train.lst").read_text().startswith("1\taligned/ann/")


@pytest.mark.parametrize(("encoding", "quality"), [(".jpg", 0), (".jpg", 101), (".png", 10), (".png", -1)])
def test_quality_outside_its_range(face_tree, capsys, encoding, quality):
    options = ["--root", face_tree, "--encoding", encoding, "--quality", quality]
    assert "--quality: expected" in error_of(capsys, *options)


def test_names_the_terminal_cannot_show(face_tree):
    (face_tree / "Zo\u00eb").mkdir()
    command = [sys.executable, face2rec.__file__, "--root", str(face_tree)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert rb"Zo\xeb" in done.stdout


def test_runs_inside_its_own_folder(face_tree):
    script = Path(face2rec.__file__)
    command = [sys.executable, script.name, "--root", str(face_tree), "--output", str(face_tree.parent / "out")]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=True)
    assert "identities  3" in done.stdout
    assert done.stderr == ""  # no progress bar off a terminal


def test_excluded_folders_get_no_label(face_tree, tmp_path, capsys):
    (tmp_path / "overlap.txt").write_text("0.62\tAdam_Brody\tann\n")
    face2rec.main(["--root", str(face_tree), "--exclude", str(tmp_path / "overlap.txt")])
    assert "overlap.txt: 1 identities with 2 images left out" in capsys.readouterr().out
    faces = FaceRecordSet(face_tree.parent)
    assert faces.labels().tolist() == [0, 0, 0, 1]
    assert faces.num_classes == 2
    assert (face_tree.parent / "train.lst").read_text().startswith("1\taligned/bob/bob_0000.jpg\t0\n")


def test_excluded_labels_of_a_list(face_tree, monkeypatch, capsys):
    monkeypatch.chdir(face_tree.parent)
    Path("property").write_text("70,112,112\n")
    Path("train.lst").write_text("1\taligned/ann/ann_0001.jpg\t69\n1\taligned/cleo/cleo_0000.jpg\t3\n")
    Path("overlap.txt").write_text("3\n")
    assert "property: exists already" in error_of(capsys, "train", "--exclude", "overlap.txt")
    face2rec.main(["train", "--exclude", "overlap.txt", "--output", "kept"])
    faces = FaceRecordSet("kept")
    assert (faces.labels().tolist(), faces.num_classes) == ([0], 1)
    assert "nothing would be left" in error_of(capsys, "train", "--exclude", "train.lst", "--output", "other")


def test_a_gif_named_jpg_does_not_become_a_record(face_tree, capsys):
    Image.new("RGB", (112, 112), (9, 90, 200)).save(face_tree / "ann" / "ann_0000.jpg", "GIF")
    assert "ann_0000.jpg: expected JPEG, MPO, PNG, BMP, WEBP, found GIF; convert" in error_of(
        capsys, "--root", face_tree
    )
    assert not (face_tree.parent / "train.rec").exists()
