import pytest

from insightrec.deploy.alignment_journal import AlignmentJournal
from insightrec.deploy.alignment_output import AlignmentOutput, results_to_keep
from insightrec.deploy.photo_alignment import PhotoResult, file_stamp
from insightrec.recordio_tools.errors import OutputError

SETTINGS = {"min_face": 20}


class Earlier:
    """An earlier run over photos a to e of one identity: d failed, in e no face was found."""

    def __init__(self, folder):
        self.photos = folder / "photos"
        self.output = AlignmentOutput.at(folder / "aligned")
        (self.photos / "ann").mkdir(parents=True)
        (self.output.crops / "ann").mkdir(parents=True)
        self.crops_of = {f"ann/{name}.png": f"ann/{name}.jpg" for name in "abcde"}
        results = []
        for photo, crop in self.crops_of.items():
            (self.photos / photo).write_bytes(b"photo")
            stamp = file_stamp(self.photos / photo)
            if photo[4] in "abc":
                (self.output.crops / crop).write_bytes(b"crop of a face")
                results.append(PhotoResult(photo, stamp, "aligned", crop=crop, crop_bytes=14))
            else:
                results.append(PhotoResult(photo, stamp, "failed" if photo[4] == "d" else "no-face"))
        with AlignmentJournal(self.output.journal, SETTINGS, results):
            pass

    def kept(self, settings=SETTINGS, **options):
        """The letters of the photos whose results are kept."""
        options = {"resume": False, "overwrite": False, "photos": self.photos, "crops_of": self.crops_of, **options}
        return "".join(result.photo[4] for result in results_to_keep(self.output, settings=settings, **options))

    def crops(self):
        return sorted(path.name for path in self.output.crops.rglob("*.*"))


@pytest.fixture
def earlier(tmp_path):
    return Earlier(tmp_path)


def test_paths_beside_the_folder(tmp_path, monkeypatch):
    assert [path.name for path in AlignmentOutput.at("x/lfw.v2/")] == [
        *("lfw.v2", "lfw.v2.lst", "lfw.v2.csv", "lfw.v2.html", "lfw.v2.journal")
    ]
    monkeypatch.chdir(tmp_path)
    assert AlignmentOutput.at(".").table == tmp_path.resolve().with_name(f"{tmp_path.name}.csv")


def test_nothing_there_or_an_empty_folder(tmp_path):
    output = AlignmentOutput.at(tmp_path / "aligned")
    for _ in range(2):
        for resume in (False, True):
            options = {"settings": SETTINGS, "photos": tmp_path, "crops_of": {}}
            assert list(results_to_keep(output, resume=resume, overwrite=not resume, **options)) == []
        output.crops.mkdir(exist_ok=True)


def test_what_is_there_is_refused(earlier):
    with pytest.raises(
        OutputError, match=r"aligned, .*aligned.journal: exists already; --resume goes on .*--overwrite"
    ):
        earlier.kept()


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
    assert list(earlier.output.crops.iterdir()) == []


def test_other_settings(earlier):
    with pytest.raises(OutputError, match="begun with --min-face 20, not 30"):
        earlier.kept({"min_face": 30}, resume=True)
    assert earlier.crops() == ["a.jpg", "b.jpg", "c.jpg"]
    assert earlier.kept({"min_face": 30}, overwrite=True) == ""


def test_overwriting_removes_only_what_the_journal_names(earlier):
    (earlier.output.crops / "ann" / "own.jpg").write_bytes(b"not ours")
    assert earlier.kept(overwrite=True) == ""
    assert earlier.crops() == ["own.jpg"]


def test_without_a_journal_nothing_is_touched(earlier):
    earlier.output.journal.unlink()
    for option in ("resume", "overwrite"):
        with pytest.raises(
            OutputError, match=r"aligned.journal: expected the journal of an earlier run .*, found none"
        ):
            earlier.kept(**{option: True})
    assert earlier.crops() == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_damaged_journal_can_be_overwritten(earlier):
    whole = earlier.output.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    earlier.output.journal.write_bytes(b"".join([*lines[:2], b"garbage\n", *lines[2:]]))
    with pytest.raises(OutputError, match="line 3"):
        earlier.kept(resume=True)
    assert earlier.kept(overwrite=True) == ""
    assert earlier.crops() == ["b.jpg", "c.jpg"]
