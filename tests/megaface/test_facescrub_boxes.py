"""FaceScrub's box tables, whole and damaged."""

import pytest

from insightrec.megaface.facescrub_boxes import TABLES, face_key, read_boxes
from insightrec.recordio_tools.errors import ListError

HEADER = "name\timage_id\tface_id\turl\tbbox\tsha256"
KEY = ("Adam_Brody", "245")


def line(name="Adam Brody", face_id="245", box="10,20,110,140"):
    return f"{name}\t7\t{face_id}\thttp://a/b.jpg\t{box}\t{'0' * 64}"


def write(folder, actors=(), actresses=(), header=HEADER, line_break="\n"):
    for name, lines in zip(TABLES, (actors, actresses)):
        folder.joinpath(name).write_bytes(line_break.join([header, *lines, ""]).encode("utf-8", "surrogateescape"))
    return folder


def test_boxes_of_both_tables_by_face_id(tmp_path):
    write(tmp_path, [line(), line(face_id="7", box="1,2,3,4")], [line("Zoë A. Li", "9", "5,6,7,8")])
    keys = {KEY, face_key("Zoë A. Li", "9")}
    guides = read_boxes(tmp_path, keys)
    assert guides.keys() == keys
    assert guides[KEY].box.tolist() == [10, 20, 110, 140]
    assert guides["Zoë_A._Li", "9"].box.tolist() == [5, 6, 7, 8]
    assert not any(guide.fault or guide.landmarks for guide in guides.values())


def test_line_breaks_of_windows_and_names_in_another_encoding(tmp_path):
    write(tmp_path, [line(), line("Ren\udce9", "3")], line_break="\r\n")
    guides = read_boxes(tmp_path, {KEY, ("Ren\udce9", "3")})
    assert all(guide.box is not None for guide in guides.values())


@pytest.mark.parametrize("box", ["", "1,2,3", "1,2,3,4,5", "1,2,x,4", "30,2,3,40", "1,2,nan,4", "1;2;3;4"])
def test_a_box_that_is_none(tmp_path, box):
    write(tmp_path, [line("Else", "1"), line(box=box)])
    guide = read_boxes(tmp_path, {KEY})[KEY]
    assert guide.box is None
    assert guide.fault == f"{tmp_path / TABLES[0]}: line 3: expected a box x1,y1,x2,y2, found {box!r}"


def test_a_line_cut_off_behind_the_face_id(tmp_path):
    write(tmp_path, ["Adam Brody\t7\t245"])
    assert "line 2: expected a box x1,y1,x2,y2, found ''" in read_boxes(tmp_path, {KEY})[KEY].fault


def test_no_line_for_a_photo_and_lines_without_columns(tmp_path):
    write(tmp_path, [line("Else", "1"), "Adam Brody", "", "\t"])
    fault = read_boxes(tmp_path, {KEY})[KEY].fault
    assert fault.startswith(f"{tmp_path}: no box for Adam_Brody 245 in {TABLES[0]} or {TABLES[1]}, ")
    assert fault.endswith(f"nor can 1 of their lines be read, the first {tmp_path / TABLES[0]}: line 3")
    assert ", nor" not in read_boxes(write(tmp_path), {KEY})[KEY].fault


def test_two_lines_for_one_photo(tmp_path):
    write(tmp_path, [line(), line()])
    assert read_boxes(tmp_path, {KEY})[KEY].box.tolist() == [10, 20, 110, 140]
    for lines in ([line(), line(box="x")], [line(box="x"), line()]):
        assert read_boxes(write(tmp_path, lines), {KEY})[KEY].box.tolist() == [10, 20, 110, 140]
    write(tmp_path, [line()], [line(box="1,2,3,4")])
    guide = read_boxes(tmp_path, {KEY})[KEY]
    assert guide.box is None
    assert "expected one box, found [10.0, 20.0, 110.0, 140.0] and [1.0, 2.0, 3.0, 4.0]" in guide.fault


def test_a_table_without_header_or_missing(tmp_path):
    with pytest.raises(ListError, match=r"facescrub_actors.txt: expected a list, found: No such file"):
        read_boxes(tmp_path, {KEY})
    write(tmp_path, header=line())
    with pytest.raises(ListError, match=r"facescrub_actors.txt: line 1: expected a header line with 'bbox'"):
        read_boxes(tmp_path, {KEY})
