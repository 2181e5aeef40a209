import json

import pytest

from insightrec.recordio_tools import rec_info
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import create_record_file


@pytest.fixture
def report(capsys):
    def report(path, *options):
        rec_info.main([str(path), "--json", *options])
        return json.loads(capsys.readouterr().out)

    return report


def test_indexed_set(face_set, report):
    found = report(face_set([0] * 1 + [1] * 3 + [2] * 2 + [3] * 9))
    assert (found["layout"], found["images"], found["identities"], found["classes"]) == ("indexed", 15, 4, 4)
    assert found["property"] == [4, 112, 112]
    assert found["label_dialects"] == {"vector of 2": 15}
    assert found["image_formats"] == {"JPEG": 15}
    assert found["image_sizes"] == {"112x112": 15}
    assert found["images_per_identity"] == {
        "min": 1,
        "median": 2.5,
        "mean": 3.75,
        "max": 9,
        "histogram": {"1": 1, "2-3": 2, "8-15": 1},
    }
    assert found["warnings"] == []


def test_a_sample_is_said(face_set, report, capsys):
    folder = face_set([0, 1, 2, 3])
    assert report(folder, "--images", "2")["looked_at"] == 2
    rec_info.main([str(folder), "--images", "3"])
    assert "looked into          3 of 4 images" in capsys.readouterr().out


def test_flat_set(tmp_path, faces, report):
    with create_record_file(tmp_path / "flat.rec") as writer:
        for key, label in enumerate([0, 0, 5]):
            writer.write(key, pack_label(label, faces(key)))
    found = report(tmp_path)
    assert (found["layout"], found["identities"], found["classes"]) == ("flat", None, 2)
    assert found["images_per_identity"]["histogram"] == {"1": 1, "2-3": 1}
    assert found["warnings"] == ["no property file beside the set"]


def test_what_is_wrong_is_said(tmp_path, faces, report):
    rows = [(1, 0, faces(1)), (2, 1, faces(2)), (3, 0, faces(3, (100, 112))), (4, 7, faces(4)[:99]), (5, -2, faces(5))]
    identities = [(6, (1, 3), b""), (7, (3, 4), b""), (8, (4, 4), b"")]
    with create_record_file(tmp_path / "train.rec") as writer:
        for key, label, image in [*rows, *identities, (0, (6, 9), b"")]:
            writer.write(key, pack_label(label, image))
    (tmp_path / "property").write_text("1,112,112")
    with open(tmp_path / "train.rec", "ab") as file:
        file.write(bytes(16))
    text = "\n".join(report(tmp_path)["warnings"])
    for note in (
        "record 4: image is cut short after 99 bytes",
        "1 images have a negative label",
        "labels reach 1, property says 1 classes, counted from 0",
        "images differ in size from property (112,112)",
        "1 images belong to no identity record",
        "1 identity records hold images of more than one label",
        "1 labels are spread over more than one identity record",
        "16 bytes follow the last record",
        "1 identity records hold no image",
    ):
        assert note in text


@pytest.mark.parametrize("cut", [0, 100])
def test_truncated_set(face_set, capsys, cut):
    folder = face_set([0, 1])
    data = (folder / "train.rec").read_bytes()
    (folder / "train.rec").write_bytes(data[:cut])
    with pytest.raises(SystemExit) as stopped:
        rec_info.main([str(folder)])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_part_of_a_flat_set_has_no_images_per_identity(tmp_path, faces, report):
    with create_record_file(tmp_path / "flat.rec") as writer:
        for key in range(4):
            writer.write(key, pack_label(key // 2, faces(key)))
    assert report(tmp_path)["images_per_identity"]["mean"] == 2
    assert report(tmp_path, "--images", "2")["images_per_identity"] is None


def test_a_negative_number_of_images_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        rec_info.main([str(tmp_path), "--images", "-1"])
    assert "0 or more" in capsys.readouterr().err
