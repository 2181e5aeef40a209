import numpy as np
import pytest

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.list_file import format_photo_row, format_row, read_list

LANDMARKS = "\t".join(["10", "20", "15", "11", "19", "30", "31", "40.5", "50", "51"])


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "x.lst").write_bytes(text.encode("utf-8", "surrogateescape"))
        return read_list(tmp_path / "x.lst")

    return read


def test_three_seven_and_seventeen_columns(read):
    rows, from_im2rec = read(f"1\ta/b c.jpg\t5\n\n0\td.jpg\t6\t1\t2\t3.5\t4\n0\te.jpg\t7\t1\t2\t3\t4\t{LANDMARKS}\r\n")
    assert not from_im2rec
    assert [(row.aligned, row.path, row.label, row.line) for row in rows] == [
        (True, "a/b c.jpg", 5, 1),
        (False, "d.jpg", 6, 3),
        (False, "e.jpg", 7, 4),
    ]
    assert rows[0].box is None
    assert rows[1].box.tolist() == [1, 2, 3.5, 4]
    assert rows[1].landmarks is None
    # All five x come first, then all five y.
    assert rows[2].landmarks.tolist() == [[10, 30], [20, 31], [15, 40.5], [11, 50], [19, 51]]


def test_im2rec_columns_are_recognised(read):
    rows, from_im2rec = read("0\t3.000000\tman/1.jpg\n4\t1\twoman/1.jpg\n")
    assert from_im2rec
    assert [(row.aligned, row.path, row.label) for row in rows] == [(True, "man/1.jpg", 3), (True, "woman/1.jpg", 1)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 a.jpg 5", "3, 7 or 17 tab-separated columns, got 1"),
        ("1\ta.jpg", "3, 7 or 17 tab-separated columns, got 2"),
        ("2\ta.jpg\t5", r"0 or 1 \(aligned\)"),
        ("1\t\t5", "a path"),
        ("1\ta\0b.jpg\t5", "a path"),
        ("1\ta.jpg\t5.5", "a whole number as label"),
        ("1\ta.jpg\tnan", "a whole number as label"),
        ("1\ta.jpg\t9999999999999", "a whole number as label"),
        ("0\ta.jpg\t5\t1\t2\t3\tinf", "numbers in the columns after the label"),
        ("4\t1\twoman/1.jpg", "the same columns as the lines before"),
    ],
)
def test_a_bad_line_is_named(read, line, expected):
    with pytest.raises(ListError, match=rf"x\.lst: line 2: expected {expected}.*, found '"):
        read(f"1\tok.jpg\t0\n{line}\n")


def test_a_byte_order_mark_is_no_part_of_the_list(read):
    assert read("\ufeff1\ta.jpg\t5\n").rows[0].aligned


def test_empty_and_missing(read, tmp_path):
    with pytest.raises(ListError, match="found none"):
        read("\n")
    with pytest.raises(ListError, match="found no such file"):
        read_list(tmp_path / "absent.lst")


def test_rows_are_written_as_they_are_read(read):
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")  # a name that is not UTF-8
    rows, _ = read(format_row(name, 3).decode("utf-8", "surrogateescape"))
    assert (rows[0].path, rows[0].label, rows[0].aligned) == (name, 3, True)
    with pytest.raises(ListError, match="tab or line break"):
        format_row("a\tb.jpg", 0)


def test_rows_of_photos_come_back_bit_for_bit(read):
    rng = np.random.default_rng(0)
    name = b"ann/caf\xe9.jpg".decode("utf-8", "surrogateescape")
    for scale in (1, 1e-300, 1e300):
        box, landmarks = rng.normal(0, scale, 4), rng.normal(0, scale, (5, 2))
        rows, _ = read(format_photo_row(name, 7, box, landmarks).decode("utf-8", "surrogateescape"))
        assert (rows[0].path, rows[0].label, rows[0].aligned) == (name, 7, False)
        np.testing.assert_array_equal(rows[0].box, box)
        np.testing.assert_array_equal(rows[0].landmarks, landmarks)
    with pytest.raises(ListError, match="tab or line break"):
        format_photo_row("a\rb.jpg", 0, box, landmarks)


def test_all_x_stand_before_all_y():
    line = format_photo_row("a.jpg", 0, (1, 2, 3, 4.5), [(10, 11), (20, 19), (15, 30), (11, 31), (19, 40.5)])
    assert line == b"0\ta.jpg\t0\t1.0\t2.0\t3.0\t4.5\t10.0\t20.0\t15.0\t11.0\t19.0\t11.0\t19.0\t30.0\t31.0\t40.5\n"


def test_landmarks_are_float64(read):
    assert read(f"0\te.jpg\t7\t1\t2\t3\t4\t{LANDMARKS}\n").rows[0].landmarks.dtype == np.float64
