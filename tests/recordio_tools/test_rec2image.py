import io

import pytest
from PIL import Image

from insightrec.recordio_tools import face2rec, rec2image
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.list_file import read_list
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import create_record_file

LABELS = [0, 0, 1, 1, 1, 2]


def contents(faces):
    return [(bytes(faces.record(place)[1]), faces.label(place)) for place in range(len(faces))]


def test_back_and_forth(face_set, tmp_path):
    original = FaceRecordSet(face_set(LABELS))
    rec2image.main([str(original.path), str(tmp_path / "images")])
    assert (tmp_path / "images" / "00001" / "3.jpg").read_bytes() == bytes(original.record(2)[1])
    face2rec.main(["--root", str(tmp_path / "images"), "--output", str(tmp_path / "again")])
    assert contents(FaceRecordSet(tmp_path / "again")) == contents(original)
    face2rec.main([str(tmp_path / "images")])  # by the list it wrote
    assert contents(FaceRecordSet(tmp_path / "images")) == contents(original)


def test_chosen_identities(face_set, tmp_path, capsys):
    folder = face_set(LABELS)
    rec2image.main([str(folder), str(tmp_path / "some"), "--identities", "2,0"])
    assert [row.label for row in read_list(tmp_path / "some" / "train.lst").rows] == [2, 0, 0]
    with pytest.raises(SystemExit):
        rec2image.main([str(folder), str(tmp_path / "none"), "--identities", "3"])
    assert "expected identities 0 to 2, found 3" in capsys.readouterr().err


def test_flat_set(tmp_path, faces, capsys):
    with create_record_file(tmp_path / "flat.rec") as writer:
        writer.write(9, pack_label(4, faces(1, encoding=".png")))
        writer.write(0, pack_label(3, faces(2)))
    rec2image.main([str(tmp_path / "flat.rec"), str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["0.jpg", "9.png", "flat.lst"]
    with pytest.raises(SystemExit) as stopped:
        rec2image.main([str(tmp_path / "flat.rec"), str(tmp_path / "out2"), "--identities", "0"])
    assert stopped.value.code == 2
    assert "expected an identity-indexed set, found a flat one" in capsys.readouterr().err


def test_damaged_images_raise_or_are_listed(tmp_path, faces, capsys):
    with create_record_file(tmp_path / "x.rec") as writer:
        for key, image in enumerate([faces(1), faces(2)[:300], faces(3)]):
            writer.write(key, pack_label(0, image))
    with pytest.raises(SystemExit):
        rec2image.main([str(tmp_path / "x.rec"), str(tmp_path / "a")])
    assert "record 1: image is cut short after 300 bytes" in capsys.readouterr().err
    rec2image.main([str(tmp_path / "x.rec"), str(tmp_path / "b"), "--on-error", "skip"])
    assert "left out: 1 image" in capsys.readouterr().err
    assert len(read_list(tmp_path / "b" / "x.lst").rows) == 2


def test_a_used_folder_is_refused_or_resumed(face_set, tmp_path, capsys):
    folder, out = face_set(LABELS), tmp_path / "out"
    rec2image.main([str(folder), str(out)])
    with pytest.raises(SystemExit):
        rec2image.main([str(folder), str(out)])
    assert "expected an empty or new folder" in capsys.readouterr().err
    kept, missing = out / "00000" / "1.jpg", out / "00000" / "2.jpg"
    before = kept.stat().st_mtime_ns
    missing.unlink()
    cut = out / "00001" / "3.jpg"
    whole = cut.read_bytes()
    cut.write_bytes(whole[:10])
    rec2image.main([str(folder), str(out), "--resume"])
    assert kept.stat().st_mtime_ns == before
    assert missing.is_file()
    assert cut.read_bytes() == whole


@pytest.fixture
def saved(faces):
    """Function ``format -> bytes`` of a face as Pillow writes it."""

    def saved(format):
        data = io.BytesIO()
        face = Image.open(io.BytesIO(faces(7)))
        Image.init()  # the rarer formats register themselves only then
        if format == "MPO" and format not in Image.SAVE_ALL:
            pytest.skip(f"this Pillow ({Image.__version__}) cannot write {format}")
        face.save(data, format, **({"save_all": True, "append_images": [face]} if format == "MPO" else {}))
        return data.getvalue()

    return saved


def write_flat(path, images):
    """A flat set of (key, image), label 0."""
    with create_record_file(path) as writer:
        for key, image in images:
            writer.write(key, pack_label(0, image))
    return str(path)


def test_no_thread_is_refused(face_set, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        rec2image.main([str(face_set(LABELS)), str(tmp_path / "out"), "--num-thread", "0"])
    assert stopped.value.code == 2
    assert "1 or more" in capsys.readouterr().err


def test_resume_replaces_other_bytes_of_the_same_length(face_set, tmp_path):
    folder, out = face_set(LABELS), tmp_path / "out"
    rec2image.main([str(folder), str(out)])
    image = out / "00001" / "4.jpg"
    whole = image.read_bytes()
    image.write_bytes(bytes(len(whole)))
    rec2image.main([str(folder), str(out), "--resume"])
    assert image.read_bytes() == whole


def test_resume_with_another_selection_is_refused(face_set, tmp_path, capsys):
    folder, out = face_set(LABELS), tmp_path / "out"
    rec2image.main([str(folder), str(out), "--identities", "0,1"])
    listed = (out / "train.lst").read_bytes()
    with pytest.raises(SystemExit):
        rec2image.main([str(folder), str(out), "--resume", "--identities", "1,2"])
    assert "expected images of this selection only, found 00000/1.jpg" in capsys.readouterr().err
    assert not (out / "00002").exists()
    assert (out / "train.lst").read_bytes() == listed
    rec2image.main([str(folder), str(out), "--resume"])  # all images, which covers the earlier ones
    assert len(read_list(out / "train.lst").rows) == len(LABELS)


def test_an_identity_named_twice_is_extracted_once(face_set, tmp_path):
    rec2image.main([str(face_set(LABELS)), str(tmp_path / "out"), "--identities", "2,0,2"])
    assert [row.label for row in read_list(tmp_path / "out" / "train.lst").rows] == [2, 0, 0]


def test_names_are_as_wide_as_the_largest_key(tmp_path, faces):
    path = write_flat(tmp_path / "x.rec", [(120, faces(1)), (7, faces(2))])
    rec2image.main([path, str(tmp_path / "out")])
    assert sorted(file.name for file in (tmp_path / "out" / "00000").iterdir()) == ["007.jpg", "120.jpg"]


def test_a_failed_write_leaves_no_temporary(tmp_path, faces):
    taken = tmp_path / "out" / "00000" / "1.jpg"
    taken.mkdir(parents=True)
    with pytest.raises(SystemExit):
        rec2image.main([write_flat(tmp_path / "x.rec", [(1, faces(1))]), str(tmp_path / "out"), "--resume"])
    assert list(taken.parent.iterdir()) == [taken]


def test_a_jpeg_of_several_pictures_is_found_again(tmp_path, saved):
    rec2image.main([write_flat(tmp_path / "x.rec", [(1, saved("MPO"))]), str(tmp_path / "out")])
    assert [row.path for row in read_folders(tmp_path / "out").rows] == ["00000/1.jpg"]


def test_a_format_that_face2rec_passes_over_is_named(tmp_path, faces, saved, capsys):
    path = write_flat(tmp_path / "x.rec", [(1, saved("TIFF")), (2, faces(2))])
    with pytest.raises(SystemExit):
        rec2image.main([path, str(tmp_path / "a")])
    assert "record 1: expected JPEG, MPO, PNG, BMP, WEBP, found TIFF" in capsys.readouterr().err
    rec2image.main([path, str(tmp_path / "b"), "--on-error", "skip"])
    assert len(read_list(tmp_path / "b" / "x.lst").rows) == 1
