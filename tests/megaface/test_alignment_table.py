"""The list and the table, to the byte."""

import csv

import numpy as np
import pytest

from insightrec.deploy.alignment_output import AlignmentOutput
from insightrec.deploy.photo_result import PhotoResult
from insightrec.megaface.alignment_table import COLUMNS, FAILED, write_tables
from insightrec.megaface.protocol_photo import ProtocolPhoto
from insightrec.recordio_tools.list_file import read_list

LANDMARKS = (np.arange(10).reshape(5, 2) / 3).tolist()
HEADER = b"path,label,how,score,x1,y1,x2,y2,lx1,lx2,lx3,lx4,lx5,ly1,ly2,ly3,ly4,ly5,fault\n"


@pytest.fixture
def write(tmp_path):
    """Function of results, whose crops are called as they are, that gives `Outcome`, list and table."""

    def write(*results):
        output = AlignmentOutput.within(tmp_path, "lst", "alignment.csv", "journal")
        photos = [ProtocolPhoto("in", result.photo, label) for label, result in enumerate(results)]
        outcome = write_tables(output, iter(photos), {result.photo: result for result in results}.get)
        return outcome, output.image_list.read_bytes(), output.table.read_bytes()

    return write


def made(photo, how, **known):
    return PhotoResult(photo, [], how, box=[0.1, 2.0, 3.0, 4.0], crop=photo, **known)


def test_bytes(write):
    outcome, image_list, table = write(
        made("a/1.jpg", "detected", score=0.7, landmarks=LANDMARKS),
        made("a/2.jpg", "box-crop", fault="2.json: no object"),
        PhotoResult("b/1.jpg", [], FAILED, fault="not there"),
    )
    assert table == HEADER + (
        b"a/1.jpg,0,detected,0.7,0.1,2.0,3.0,4.0,0.0,0.6666666666666666,1.3333333333333333,2.0,2.6666666666666665,"
        b"0.3333333333333333,1.0,1.6666666666666667,2.3333333333333335,3.0,\n"
        b"a/2.jpg,1,box-crop,,0.1,2.0,3.0,4.0,,,,,,,,,,,2.json: no object\n"
        b"b/1.jpg,2,,,,,,,,,,,,,,,,,not there\n"
    )
    assert image_list == b"1\ta/1.jpg\t0\n1\ta/2.jpg\t1\n"
    assert outcome == ({"detected": 1, "box-crop": 1, FAILED: 1}, 2, ["2.json: no object", "not there"])
    fields = dict(zip(COLUMNS, next(csv.reader([table.splitlines()[1].decode()]))))
    points = [[float(fields[f"l{axis}{point}"]) for axis in "xy"] for point in range(1, 6)]
    assert points == LANDMARKS


def test_names_of_any_bytes(write, tmp_path):
    name = b'a/caf\xe9, "x".jpg'.decode("utf-8", "surrogateescape")
    _, _, table = write(made(name, "forced"))
    assert [row.path for row in read_list(tmp_path / "lst").rows] == [name]
    assert table.splitlines()[1].startswith(b'"a/caf\xe9, ""x"".jpg",0,forced,')


def test_only_the_first_faults_are_kept(write):
    outcome, _, _ = write(*(PhotoResult(f"{n:03}", [], FAILED, fault=f"fault {n:03}") for n in range(50)))
    assert outcome.faults == 50
    assert outcome.first == [f"fault {n:03}" for n in range(20)]
