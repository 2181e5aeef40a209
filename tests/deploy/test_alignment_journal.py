import json

import numpy as np
import pytest

from insightrec.deploy.alignment_journal import AlignmentJournal, is_journal, read_journal
from insightrec.deploy.photo_alignment import STATUSES
from insightrec.deploy.photo_result import BEGUN, PhotoResult
from insightrec.recordio_tools.errors import OutputError

SETTINGS = {"image_size": (112, 112), "min_face": 20, "mtcnn": None, "no_refine": False}
STRANGE = b"ann/caf\xe9\n\t.jpg".decode("utf-8", "surrogateescape")


def result(photo, status="no-face", **known):
    known = {"faces": 0, **known} if status == "no-face" else known
    return PhotoResult(photo, [10, 1_700_000_000_123_456_789], status, **known)


def read(path, settings=None):
    return list(read_journal(path, STATUSES, settings))


ALIGNED = result(
    STRANGE,
    "aligned",
    height=250,
    width=200,
    faces=2,
    score=1 / 3,
    box=[0.1, -3.0, 99.7, 1e-17],
    landmarks=(np.arange(10).reshape(5, 2) / 7).tolist(),
    crop="ann/x.jpg",
    crop_bytes=4000,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aligned.journal"


def test_what_is_appended_is_read_bit_for_bit(path):
    results = [result("bob/b.jpg", "failed", reason='no "image"'), ALIGNED, result("bob/a.jpg")]
    with AlignmentJournal(path, SETTINGS) as journal:
        for one in results:
            journal.append(one)
            assert journal.read(one.photo) == one
        assert [journal.read(one.photo) for one in reversed(results)] == results[::-1]
        assert STRANGE in journal
        assert "bob/c.jpg" not in journal
        assert read(path) == results  # while it is being written: nothing waits in a buffer


def test_a_journal_begins_with_what_is_kept(path):
    with AlignmentJournal(path, SETTINGS) as journal:
        journal.append(ALIGNED)
        journal.append(result("bob/a.jpg"))
    with AlignmentJournal(path, SETTINGS, (one for one in read(path, SETTINGS) if one.crop)) as journal:
        assert "bob/a.jpg" not in journal
        journal.append(result("bob/b.jpg"))
        assert journal.read(STRANGE) == ALIGNED
    assert read(path, SETTINGS) == [ALIGNED, result("bob/b.jpg")]


def test_what_was_begun_and_not_finished_comes_last(path):
    with AlignmentJournal(path, SETTINGS, [result("bob/a.jpg")]) as journal:
        journal.begin(STRANGE, "ann/x.jpg")
        journal.begin("bob/b.jpg", "bob/b.png")
        assert STRANGE not in journal
        assert journal.read("bob/a.jpg") == result("bob/a.jpg")  # the next line goes to the end though
        journal.begin("bob/c.jpg", "bob/c.png")
        journal.append(ALIGNED)
        assert journal.read(STRANGE) == ALIGNED
        assert read(path) == [
            *(result("bob/a.jpg"), ALIGNED),
            *(PhotoResult(f"bob/{name}.jpg", None, BEGUN, crop=f"bob/{name}.png") for name in "bc"),
        ]
    with open(path, "ab") as file:
        file.write(b"garbage\n")
    found = []
    with pytest.raises(OutputError, match="line 7"):
        found.extend(read_journal(path, STATUSES))
    assert [one.crop for one in found] == ["", "ann/x.jpg", "bob/b.png", "bob/c.png"]


def test_a_line_that_was_cut_is_dropped(path):
    with AlignmentJournal(path, SETTINGS, [ALIGNED, result("bob/a.jpg")]):
        pass
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in (last, last + 1, len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert read(path, SETTINGS) == [ALIGNED]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("min_face", 40, "with --min-face 20, not 40"),
        ("image_size", (112, 96), "with --image-size 112,112, not 112,96"),
        ("mtcnn", "det1:0a", "without --mtcnn, not with --mtcnn det1:0a"),
        ("no_refine", True, "without --no-refine, not with --no-refine"),
    ],
)
def test_other_settings_are_refused(path, name, value, said):
    with AlignmentJournal(path, SETTINGS, [ALIGNED]):
        pass
    with pytest.raises(OutputError, match=rf"aligned.journal: the run was begun {said}; give the same options"):
        read(path, {**SETTINGS, name: value})


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"{}", 1),
        (b'["another program", {}]', 1),
        (b"garbage", 2),
        (b"[" * 200_000, 2),
        (b'["a.jpg", null, "done"]', 2),
        (b'["a.jpg"]', 2),
        (b"7", 2),
        (json.dumps(list(ALIGNED._replace(crop="../../photo.jpg"))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(crop="../photo.jpg"))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(crop="/etc/x.jpg"))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(crop=7))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(crop="ann/x\0.jpg"))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(box=[1, 2, 3, "4"]))).encode(), 2),
        (json.dumps(list(ALIGNED._replace(landmarks=None))).encode(), 2),
        (json.dumps(["a.jpg", "../a.jpg"]).encode(), 2),
        (b"[1, 2]", 2),
    ],
)
def test_damage_is_named(path, line, number):
    with AlignmentJournal(path, SETTINGS):
        pass
    head = path.read_bytes()
    path.write_bytes((head if number == 2 else b"") + line + b"\n")
    with pytest.raises(
        OutputError, match=rf"aligned.journal: line {number}: expected what an alignment noted, found b'"
    ):
        read(path, SETTINGS)


def test_a_journal_is_known_by_its_first_line(path):
    assert not is_journal(path)
    with AlignmentJournal(path, SETTINGS):
        pass
    head = path.read_bytes()
    for text, expected in ((head, True), (head + b"garbage", True), (b"", False), (b"diary\n", False), (b"7\n", False)):
        path.write_bytes(text)
        assert is_journal(path) is expected
    for text in (b"[" * (2 << 20), b'["another program", {}]\n', head[:-10]):
        path.write_bytes(text)
        assert not is_journal(path)


def test_none_to_read(path):
    with pytest.raises(OutputError, match="aligned.journal: cannot be read .*, so no run can be resumed"):
        read(path)
