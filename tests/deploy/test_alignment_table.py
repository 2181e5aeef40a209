import csv

import numpy as np
import pytest

from insightrec.deploy.alignment_table import COLUMNS, write_tables
from insightrec.deploy.photo_result import PhotoResult
from insightrec.recordio_tools.list_file import read_list

POINTS = (np.arange(10).reshape(5, 2) / 3).tolist()
BOX = [1 / 3, 2.0, 30.5, 40.25]


def aligned(photo, crop):
    return PhotoResult(photo, [1, 2], "aligned", "", 250, 200, 2, 0.5, BOX, POINTS, crop, 9)


def missed(photo, status="no-face", reason="no face found"):
    return PhotoResult(photo, [1, 2], status, reason)


@pytest.fixture
def write(tmp_path):
    """Function of the identities' results that gives the list's rows and the table's."""

    def write(*identities, photos=tmp_path / "photos", ignored=()):
        paths = tmp_path / "aligned.lst", tmp_path / "aligned.csv"
        write_tables(*paths, identities, photos, ignored)
        with open(paths[1], encoding="utf-8", errors="surrogateescape", newline="") as file:
            table = list(csv.reader(file))
        return (read_list(paths[0]).rows if paths[0].stat().st_size else []), table

    return write


def test_list_and_table_of_one_photo(write):
    (row,), table = write([aligned("ann/a.png", "ann/a.jpg")])
    assert (row.aligned, row.path, row.label) == (False, "photos/ann/a.png", 0)
    assert row.box.tolist() == BOX
    assert row.landmarks.tolist() == POINTS
    assert table[0] == list(COLUMNS)
    found = dict(zip(*table))
    assert [float(found[f"l{axis}{n}"]) for n in range(1, 6) for axis in "xy"] == np.ravel(POINTS).tolist()
    assert [float(found[name]) for name in ("x1", "y1", "x2", "y2")] == BOX
    assert [found[name] for name in ("image", "status", "reason", "width", "height", "faces", "score", "crop")] == [
        *("ann/a.png", "aligned", "", "200", "250", "2", "0.5", "ann/a.jpg")
    ]


def test_labels_skip_who_has_no_crop_and_the_order_is_the_crops(write):
    rows, table = write(
        [missed("ann/a.jpg")],
        [aligned("bob/a.bmp", "bob/a.jpg"), aligned("bob/a.c.jpg", "bob/a.c.jpg")],
        [missed("cleo/a.jpg", "failed", 'not an "image",\nbut text')],
        [missed("dan/a.jpg"), aligned("dan/b.jpg", "dan/b.jpg")],
    )
    assert [(row.path, row.label) for row in rows] == [
        ("photos/bob/a.c.jpg", 0),  # "a.c.jpg" < "a.jpg"
        ("photos/bob/a.bmp", 0),
        ("photos/dan/b.jpg", 1),
    ]
    images = ["ann/a.jpg", "bob/a.bmp", "bob/a.c.jpg", "cleo/a.jpg", "dan/a.jpg", "dan/b.jpg"]
    assert [line[0] for line in table[1:]] == images
    assert table[4][1:3] == ["failed", 'not an "image",\nbut text']
    assert table[4][3:] == [""] * (len(COLUMNS) - 3)


def test_names_of_any_bytes(write):
    name = b'ann/caf\xe9, "x".jpg'.decode("utf-8", "surrogateescape")
    rows, table = write([aligned(name, name), missed("ann/tab\tand\nbreaks\r.jpg", "failed", "a tab")])
    assert rows[0].path == f"photos/{name}"
    assert [line[0] for line in table[1:]] == [name, "ann/tab\tand\nbreaks\r.jpg"]


def test_photos_elsewhere_are_named_whole(write, tmp_path):
    rows, _ = write([aligned("ann/a.png", "ann/a.jpg")], photos=tmp_path.parent / "photos")
    assert rows[0].path == str(tmp_path.parent.resolve() / "photos" / "ann" / "a.png")


def test_no_crop_at_all(write):
    rows, table = write([missed("ann/a.jpg")])
    assert (rows, len(table)) == ([], 2)


def test_files_that_were_not_tried_come_last(write):
    ignored = [missed("ann/deep/a.jpg", "ignored", "in a folder within"), missed("a.txt", "ignored", "no image")]
    rows, table = write([aligned("ann/a.png", "ann/a.jpg")], [missed("bob/a.jpg")], ignored=ignored)
    assert [line[:3] for line in table[3:]] == [
        ["ann/deep/a.jpg", "ignored", "in a folder within"],
        ["a.txt", "ignored", "no image"],
    ]
    assert len(rows) == 1
