import shutil
from types import SimpleNamespace

import pytest

from insightrec.deploy.alignment_journal import AlignmentJournal
from insightrec.deploy.alignment_output import AlignmentOutput, refuse_nested, results_to_keep
from insightrec.deploy.photo_alignment import PhotoJob
from insightrec.deploy.photo_result import PhotoResult
from insightrec.recordio_tools.errors import InputError, OutputError
from insightrec.recordio_tools.file_stamp import file_stamp

SETTINGS = {"min_face": 20}
STATUSES = {"aligned": ("crop",), "failed": (), "no-face": ()}


class Earlier:
    """An earlier run over photos a to f of one identity: d failed, in e no face was found, f was begun."""

    def __init__(self, folder, output):
        self.photos = folder / "photos"
        self.output = output
        (self.photos / "ann").mkdir(parents=True)
        (self.output.crops / "ann").mkdir(parents=True)
        self.crops_of = {f"ann/{name}.png": f"ann/{name}.jpg" for name in "abcdef"}
        results = []
        for photo, crop in self.crops_of.items():
            (self.photos / photo).write_bytes(b"photo")
            stamp = file_stamp(self.photos / photo)
            if photo[4] in "abc":
                (self.output.crops / crop).write_bytes(b"crop of a face")
                results.append(PhotoResult(photo, stamp, "aligned", crop=crop, crop_bytes=14))
            elif photo[4] == "d":
                results.append(PhotoResult(photo, stamp, "failed", fault="d cannot be read"))
            elif photo[4] == "e":
                results.append(PhotoResult(photo, stamp, "no-face", "no face found"))
        with AlignmentJournal(self.output.journal, SETTINGS, results) as journal:
            journal.begin("ann/f.png", "ann/f.jpg")
        (self.output.crops / "ann" / "f.jpg").write_bytes(b"crop")

    def stamp(self, job):
        return file_stamp(self.photos / job.photo)

    def kept(self, settings=SETTINGS, resume=False, overwrite=False):
        """The letters of the photos whose results are kept."""
        aligner = SimpleNamespace(statuses=STATUSES, settings=settings, stamp=self.stamp)
        jobs = [PhotoJob(*paths) for paths in self.crops_of.items()]
        found = results_to_keep(self.output, jobs, aligner, resume=resume, overwrite=overwrite)
        return "".join(result.photo[4] for result in found)

    def crops(self):
        return sorted(path.name for path in self.output.crops.rglob("*.*") if path not in self.output)


@pytest.fixture(params=["beside", "within"])
def earlier(tmp_path, request):
    folder = tmp_path / "aligned"
    within = AlignmentOutput.within(folder, "lst", "table.csv", "a.journal")
    return Earlier(tmp_path, AlignmentOutput.beside(folder) if request.param == "beside" else within)


def test_paths_beside_the_folder(tmp_path, monkeypatch):
    assert [path.name for path in AlignmentOutput.beside("x/lfw.v2/")] == [
        *("lfw.v2", "lfw.v2.lst", "lfw.v2.csv", "lfw.v2.html", "lfw.v2.journal")
    ]
    monkeypatch.chdir(tmp_path)
    assert AlignmentOutput.beside(".").table == tmp_path.resolve().with_name(f"{tmp_path.name}.csv")


def test_nothing_there_or_an_empty_folder(tmp_path):
    output = AlignmentOutput.beside(tmp_path / "aligned")
    for _ in range(2):
        for resume in (False, True):
            assert list(results_to_keep(output, [], None, resume=resume, overwrite=not resume)) == []
        output.crops.mkdir(exist_ok=True)


def test_a_folder_of_crops_is_refused_and_one_that_holds_other_files_too_is_not(tmp_path):
    (tmp_path / "aligned").mkdir()
    (tmp_path / "aligned" / "notes.txt").write_bytes(b"")
    beside = AlignmentOutput.beside(tmp_path / "aligned")
    within = AlignmentOutput.within(tmp_path / "aligned", "lst", "table.csv", "a.journal")
    with pytest.raises(OutputError, match="aligned: exists already"):
        results_to_keep(beside, [], None, resume=False, overwrite=False)
    for resume in (False, True):
        assert list(results_to_keep(within, [], None, resume=resume, overwrite=False)) == []


def test_what_is_there_is_refused(earlier):
    with pytest.raises(OutputError, match=r"journal: exists already; --resume goes on .*--overwrite"):
        earlier.kept()
    assert earlier.crops() == ["a.jpg", "b.jpg", "c.jpg", "f.jpg"]


@pytest.mark.parametrize("output", ["photos", "photos/a/b", ".", "photos/../photos"])
def test_folders_that_lie_in_each_other(tmp_path, output):
    with pytest.raises(InputError, match=r"expected an output folder that is not inside .*photos, nor around it"):
        refuse_nested(tmp_path / "photos", tmp_path / output)
    refuse_nested(tmp_path / "photos", tmp_path / "photos2")


def test_all_that_holds_is_kept_but_what_failed(earlier):
    assert earlier.kept(resume=True) == "abce"
    assert earlier.crops() == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_photo_that_was_changed(earlier):
    (earlier.photos / "ann" / "b.png").write_bytes(b"another photo")
    assert earlier.kept(resume=True) == "ace"
    assert earlier.crops() == ["a.jpg", "c.jpg"]


def test_a_photo_that_is_gone_or_whose_crop_is_called_otherwise(earlier):
    del earlier.crops_of["ann/a.png"]
    earlier.crops_of["ann/c.png"] = "ann/c.png.jpg"
    assert earlier.kept(resume=True) == "be"
    assert earlier.crops() == ["b.jpg"]


def test_a_crop_that_is_gone_or_cut(earlier):
    (earlier.output.crops / "ann" / "a.jpg").unlink()
    (earlier.output.crops / "ann" / "b.jpg").write_bytes(b"crop of")
    assert earlier.kept(resume=True) == "ce"


def test_a_folder_without_crops_is_removed(earlier):
    earlier.crops_of.clear()
    assert earlier.kept(resume=True) == ""
    assert not (earlier.output.crops / "ann").exists()


def test_other_settings(earlier):
    with pytest.raises(OutputError, match="begun with --min-face 20, not 30"):
        earlier.kept({"min_face": 30}, resume=True)
    assert {"a.jpg", "b.jpg", "c.jpg"} <= {*earlier.crops()}
    assert earlier.kept({"min_face": 30}, overwrite=True) == ""
    assert earlier.crops() == []


def test_overwriting_removes_only_what_the_journal_names(earlier):
    (earlier.output.crops / "ann" / "own.jpg").write_bytes(b"not ours")
    assert earlier.kept(overwrite=True) == ""
    assert earlier.crops() == ["own.jpg"]


def test_list_and_table_of_a_run_that_is_replaced_go_at_once(earlier):
    written = [path for path in earlier.output[1:4] if path is not None]
    for option in ("resume", "overwrite"):
        for path in written:
            path.write_bytes(b"")
        earlier.kept(**{option: True})
        assert [path.exists() for path in written] == [option == "resume"] * len(written)


def test_without_a_journal_nothing_is_touched(earlier):
    earlier.output.journal.unlink()
    earlier.output.table.write_bytes(b"")
    for option in ("resume", "overwrite"):
        with pytest.raises(OutputError, match=r"journal: expected the journal of an earlier run .*, found none"):
            earlier.kept(**{option: True})
    assert earlier.crops() == ["a.jpg", "b.jpg", "c.jpg", "f.jpg"]
    assert earlier.output.table.exists()
    earlier.output.journal.write_bytes(b"diary")
    for option in ("resume", "overwrite"):
        with pytest.raises(OutputError, match=r"journal of an earlier run .*, found another file, so all is kept"):
            earlier.kept(**{option: True})
    assert earlier.output.journal.read_bytes() == b"diary"
    assert earlier.output.table.exists()


def test_a_folder_in_the_place_of_a_file_and_the_reverse(earlier):
    earlier.output.table.mkdir()
    for option in ("resume", "overwrite"):
        with pytest.raises(OutputError, match=r"csv: expected a file or nothing, found a folder; choose another"):
            earlier.kept(**{option: True})
    earlier.output.table.rmdir()
    assert earlier.kept(resume=True) == "abce"
    if earlier.output.page is not None:
        shutil.rmtree(earlier.output.crops)
        earlier.output.crops.write_bytes(b"")
        with pytest.raises(OutputError, match=r"aligned: expected a folder or nothing, found a file; choose another"):
            earlier.kept(overwrite=True)


def test_a_damaged_journal_can_be_overwritten(earlier):
    whole = earlier.output.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    earlier.output.journal.write_bytes(b"".join([*lines[:2], b"garbage\n", *lines[2:]]))
    with pytest.raises(OutputError, match="line 3"):
        earlier.kept(resume=True)
    assert earlier.kept(overwrite=True) == ""
    assert earlier.crops() == ["b.jpg", "c.jpg", "f.jpg"]
