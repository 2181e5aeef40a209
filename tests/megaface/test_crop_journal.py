"""The table while it grows: what a later run takes over, for any place where the earlier one stopped."""

import json

import pytest

from insightrec.megaface.aligned_photo import TABLE, AlignedPhoto, header
from insightrec.megaface.crop_journal import LIST, SETTINGS, CropJournal
from insightrec.megaface.protocol_photo import ProtocolPhoto
from insightrec.recordio_tools.errors import OutputError

PHOTOS = [
    ProtocolPhoto(f"in/{path}", path, label) for path, label in (("a/1", 0), ("a/2", 0), ("b/1", 1), ("b/c/1", 2))
]
EMPTY = ("",) * 15


def make(folder, photo, how="forced", fault=""):
    if how:
        path = folder / photo.target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("crop")
    return AlignedPhoto(photo.target, photo.label, how, EMPTY, fault)


def run(folder, photos=PHOTOS, stop=None, rows=None, **flags):
    """Names of the photos that were made; ``stop`` ends the run before as many are added."""
    made = []
    with CropJournal(folder, {"size": [112, 112]}, **flags) as journal:
        for count, (photo, earlier) in enumerate(journal.with_earlier(photos)):
            if count == stop:
                return made
            if earlier is None:
                made.append(photo.target)
            journal.add(earlier or (rows or {}).get(photo.target) or make(folder, photo))
        if stop is not None:
            return made
        run.outcome = journal.finish()
    return made


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


ALL = [photo.target for photo in PHOTOS]


def test_a_whole_run(tmp_path):
    assert run(tmp_path) == ALL
    assert contents(tmp_path).keys() == {TABLE, LIST, SETTINGS}
    assert (tmp_path / LIST).read_bytes() == b"1\ta/1\t0\n1\ta/2\t0\n1\tb/1\t1\n1\tb/c/1\t2\n"
    assert (tmp_path / TABLE).read_bytes() == header() + b"".join(
        f"{path},{label},forced{',' * 16}\n".encode() for path, label in zip(ALL, (0, 0, 1, 2))
    )
    assert run.outcome == ({"forced": 4}, 0, [])


@pytest.mark.parametrize("stops", [(0,), (1,), (3,), (4,), (2, 1), (1, 3, 2), (3, 0, 0)])
def test_stopped_at_any_place_any_number_of_times(tmp_path, stops):
    run(tmp_path / "whole")
    made = []
    for number, stop in enumerate(stops):
        made += run(tmp_path / "cut", stop=stop, resume=number > 0)
        assert not (tmp_path / "cut" / LIST).exists()
    made += run(tmp_path / "cut", resume=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert made == ALL


def test_a_row_that_was_cut_off_is_made_again(tmp_path):
    run(tmp_path, stop=3)
    part = tmp_path / f"{TABLE}.part"
    part.write_bytes(part.read_bytes()[:-3])
    assert run(tmp_path, resume=True) == ALL[2:]


@pytest.mark.parametrize("content", [b"", header()[:9], header() + b"\0" * 50, b"something else\n"])
def test_a_part_file_without_rows(tmp_path, content):
    run(tmp_path, stop=3)
    (tmp_path / f"{TABLE}.part").write_bytes(content)
    assert run(tmp_path, resume=True) == ALL


def test_killed_between_the_list_and_the_name_of_the_table(tmp_path):
    run(tmp_path)
    whole = contents(tmp_path)
    (tmp_path / TABLE).rename(tmp_path / f"{TABLE}.part")
    assert run(tmp_path, resume=True) == []
    assert contents(tmp_path) == whole


def test_killed_before_the_part_file_was_removed(tmp_path):
    run(tmp_path, stop=2)
    run(tmp_path, stop=3, resume=True)
    (tmp_path / f"{TABLE}.earlier").write_bytes((tmp_path / f"{TABLE}.part").read_bytes())
    assert run(tmp_path, resume=True) == ALL[3:]


def test_a_crop_that_is_gone_is_made_again(tmp_path):
    run(tmp_path)
    (tmp_path / "b/1").unlink()
    assert run(tmp_path, resume=True) == ["b/1"]


def test_faults_are_counted_and_tried_again(tmp_path):
    rows = {
        "a/2": make(tmp_path, PHOTOS[1], how="", fault="a/2 is damaged"),
        "b/1": make(tmp_path, PHOTOS[2], how="center-crop", fault="b/1: no box"),
    }
    run(tmp_path, rows=rows)
    assert run.outcome == ({"forced": 2, "": 1, "center-crop": 1}, 2, ["a/2 is damaged", "b/1: no box"])
    assert (tmp_path / LIST).read_bytes() == b"1\ta/1\t0\n1\tb/1\t1\n1\tb/c/1\t2\n"
    assert run(tmp_path, resume=True) == ["a/2", "b/1"]
    assert run.outcome == ({"forced": 4}, 0, [])


def test_photos_that_came_and_went_between_runs(tmp_path):
    run(tmp_path, stop=3)
    new = ProtocolPhoto("in/a/0", "a/0", 0)
    photos = [new, PHOTOS[0], PHOTOS[2]._replace(label=7), PHOTOS[3]]
    assert run(tmp_path, photos, resume=True) == ["a/0", "b/c/1"]
    assert (tmp_path / LIST).read_bytes() == b"1\ta/0\t0\n1\ta/1\t0\n1\tb/1\t7\n1\tb/c/1\t2\n"


def test_only_the_first_faults_are_kept(tmp_path):
    photos = [ProtocolPhoto("", f"a/{number:03}", 0) for number in range(50)]
    run(tmp_path, photos, rows={photo.target: make(tmp_path, photo, "", f"fault {photo.target}") for photo in photos})
    assert run.outcome.faults == 50
    assert run.outcome.first == [f"fault a/{number:03}" for number in range(20)]


def test_an_earlier_run_is_refused_or_replaced(tmp_path):
    run(tmp_path, stop=2)
    with pytest.raises(OutputError, match=r"part: is of an earlier run; give --resume to continue it, or --overwrite"):
        run(tmp_path)
    assert run(tmp_path, overwrite=True) == ALL
    with pytest.raises(OutputError, match=rf"{TABLE}: is of an earlier run"):
        run(tmp_path)
    assert run(tmp_path, overwrite=True) == ALL


@pytest.mark.parametrize("found", [json.dumps({"size": [112, 96]}).encode(), b"", None])
def test_other_settings_are_refused(tmp_path, found):
    run(tmp_path)
    (tmp_path / SETTINGS).unlink()
    if found is not None:
        (tmp_path / SETTINGS).write_bytes(found)
    with pytest.raises(OutputError, match=r'alignment.json: expected \{"size": \[112, 112\]\}, found .*--overwrite'):
        run(tmp_path, resume=True)
    assert run(tmp_path, overwrite=True) == ALL


def test_resume_without_an_earlier_run_begins(tmp_path):
    assert run(tmp_path / "new", resume=True) == ALL
