"""A run stopped at any place, any number of times, and resumed, with an aligner that writes a photo's own bytes."""

import functools
import os
from types import SimpleNamespace

import pytest

from insightrec.deploy.alignment_output import AlignmentOutput
from insightrec.deploy.photo_alignment import PhotoJob
from insightrec.deploy.photo_result import PhotoResult
from insightrec.deploy.resumable_alignment import aligned_photos
from insightrec.recordio_tools.errors import ImageError, OutputError
from insightrec.recordio_tools.file_stamp import file_stamp

JOBS = [PhotoJob(f"{name}.png", f"{name}.jpg") for name in ("a/1", "a/2", "b/1", "b/c/1")]
ALL = [job.photo for job in JOBS]


class Killed(Exception):
    """Stands for the end of the process."""


class Copier:
    """The crop of a photo is the photo; one that holds "bad" has a fault, "none" gives no crop, "kill" ends all."""

    statuses = {"made": ("crop",), "none": (), "failed": ()}  # noqa: RUF012
    opened, made = 0, []

    def __init__(self, photos, crops, settings):
        Copier.opened += 1
        self.photos, self.crops, self.settings = photos, crops, settings

    def stamp(self, job):
        return file_stamp(self.photos / job.photo)

    def align(self, job):
        known = {"photo": job.photo, "stamp": self.stamp(job), "reason": str(os.getpid())}
        data = (self.photos / job.photo).read_bytes()
        Copier.made.append(job.photo)
        if data == b"bad":
            return PhotoResult(**known, status="failed", fault=f"{job.photo}: is bad")
        if data == b"none":
            return PhotoResult(**known, status="none")
        (self.crops / job.crop).parent.mkdir(parents=True, exist_ok=True)
        (self.crops / job.crop).write_bytes(data)
        if data == b"kill":
            raise Killed
        return PhotoResult(**known, status="made", crop=job.crop, crop_bytes=len(data))


class Runs:
    """Runs over the photos of a folder."""

    def __init__(self, folder):
        self.photos, self.output = folder / "photos", AlignmentOutput.beside(folder / "aligned")
        for photo in ALL:
            self.write(photo, photo.encode())

    def write(self, photo, data):
        (self.photos / photo).parent.mkdir(parents=True, exist_ok=True)
        (self.photos / photo).write_bytes(data)

    def __call__(self, jobs=JOBS, settings=None, **options):
        """The photos that were made, and the statuses of all."""
        Copier.opened, Copier.made = 0, []
        options = {"processes": 1, "resume": False, "overwrite": False, "on_error": "skip", **options}
        opener = functools.partial(Copier, self.photos, self.output.crops, {"size": 112, **(settings or {})})
        with aligned_photos(jobs, opener, self.output, SimpleNamespace(**options)) as journal:
            self.results = [journal.read(job.photo) for job in jobs]
        return Copier.made, [result.status for result in self.results]

    def crops(self):
        folder = self.output.crops
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def run(tmp_path):
    return Runs(tmp_path)


WHOLE = {job.crop: job.photo.encode() for job in JOBS}


def test_a_whole_run(run):
    assert run() == (ALL, ["made"] * 4)
    assert run.crops() == WHOLE
    assert Copier.opened == 1  # with one process nothing is loaded twice
    assert run(resume=True) == ([], ["made"] * 4)


@pytest.mark.parametrize("stops", [(0,), (1,), (3,), (2, 3), (1, 2, 3), (3, 3)])
def test_killed_at_any_place_any_number_of_times(run, stops):
    made = []
    for number, stop in enumerate(stops):
        run.write(ALL[stop], b"kill")
        with pytest.raises(Killed):
            run(resume=number > 0)
        made += Copier.made[:-1]
        run.write(ALL[stop], ALL[stop].encode())
    made += run(resume=True)[0]
    assert made == ALL  # each once
    assert run.crops() == WHOLE


def test_overwriting_removes_what_a_killed_run_had_not_noted_as_done(run):
    run.write(ALL[1], b"kill")
    with pytest.raises(Killed):
        run()
    assert run.crops().keys() == {"a/1.jpg", "a/2.jpg"}
    (run.output.crops / "a" / "own.jpg").write_bytes(b"not ours")
    png = [PhotoJob(photo, crop.replace("jpg", "png")) for photo, crop in JOBS]
    run.write(ALL[1], b"none")
    assert run(png, overwrite=True)[0] == ALL
    assert run.crops().keys() == {"a/1.png", "b/1.png", "b/c/1.png", "a/own.jpg"}


def test_resuming_removes_the_crop_of_a_photo_that_is_gone_since_the_kill(run):
    run.write(ALL[1], b"kill")
    with pytest.raises(Killed):
        run()
    left = [JOBS[0], *JOBS[2:]]
    assert run(left, resume=True)[0] == ALL[2:]
    assert run.crops().keys() == {job.crop for job in left}


def test_photos_that_were_changed_came_and_went(run):
    run()
    run.write("a/1.png", b"another")
    run.write("a/0.png", b"new")
    jobs = [PhotoJob("a/0.png", "a/0.jpg"), *JOBS[:2], JOBS[3]]
    assert run(jobs, resume=True)[0] == ["a/0.png", "a/1.png"]
    expected = {**WHOLE, "a/0.jpg": b"new", "a/1.jpg": b"another"}
    del expected["b/1.jpg"]
    assert run.crops() == expected


def test_faults_end_a_run_or_are_tried_again(run):
    run.write("a/2.png", b"bad")
    run.write("b/1.png", b"none")
    with pytest.raises(ImageError, match=r"^a/2.png: is bad; --on-error skip lists such photos, --resume continues"):
        run(on_error="raise")
    assert run(resume=True) == (ALL[1:], ["made", "failed", "none", "made"])
    assert run(resume=True)[0] == ["a/2.png"]  # what gives no crop is no fault
    with pytest.raises(ImageError, match=r"a/2.png: is bad"):
        run(resume=True, on_error="raise")


@pytest.mark.parametrize("damage", [lambda crop: crop.unlink(), lambda crop: crop.write_bytes(b"")])
def test_a_crop_that_is_gone_or_cut_is_made_again(run, damage):
    run()
    damage(run.output.crops / "b/1.jpg")
    assert run(resume=True)[0] == ["b/1.png"]
    assert run.crops() == WHOLE


def test_other_settings_and_what_is_there_are_refused(run):
    run()
    with pytest.raises(OutputError, match="begun with --size 112, not 96; give the same options"):
        run(resume=True, settings={"size": 96})
    with pytest.raises(OutputError, match="exists already"):
        run()
    assert run.crops() == WHOLE
    assert run(overwrite=True, settings={"size": 96})[0] == ALL


def test_nothing_is_written_where_no_aligner_can_be_opened(run):
    def refuse():
        raise OutputError("no weights")

    with pytest.raises(OutputError, match="no weights"), aligned_photos(JOBS, refuse, run.output, None):
        pass
    assert run.output.existing() == []


def test_several_processes_open_an_aligner_each(run, monkeypatch):
    monkeypatch.syspath_prepend(os.path.dirname(__file__))  # of the workers too
    import test_resumable_alignment

    monkeypatch.setitem(globals(), "Copier", test_resumable_alignment.Copier)
    made, statuses = run(processes=2)
    assert made == []  # none here
    assert statuses == ["made"] * 4
    assert run.crops() == WHOLE
    assert str(os.getpid()) not in {result.reason for result in run.results}
    assert Copier.opened == 1
    assert run(resume=True, processes=2) == ([], ["made"] * 4)


def test_where_it_is_stopped_from_outside_the_way_on_is_named(run, monkeypatch, capsys):
    def stop(error):
        def align(self, job):
            raise error

        monkeypatch.setattr(Copier, "align", align)

    plain = Copier.align
    stop(OSError(28, "No space left on device"))
    said = r"aligned: the run was stopped \(No space left on device\); give --resume to go on from here$"
    with pytest.raises(OutputError, match=said):
        run()
    stop(PermissionError(13, "Permission denied", "a/1.jpg"))
    with pytest.raises(OutputError, match=r"\(Permission denied, a/1.jpg\); give --resume"):
        run(resume=True)
    stop(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(resume=True)
    assert capsys.readouterr().err.endswith("aligned: give --resume to go on from here\n")
    monkeypatch.setattr(Copier, "align", plain)
    assert run(resume=True) == (ALL, ["made"] * 4)


def test_an_error_ends_the_workers(run, monkeypatch):
    closed = []

    def results():
        try:
            yield PhotoResult("a/1.png", None, "failed", fault="bad")
        finally:
            closed.append(True)

    held = results()  # so that nothing but the run closes it
    monkeypatch.setattr("insightrec.deploy.resumable_alignment.process_map", lambda *_, **__: held)
    plain = "insightrec.deploy.resumable_alignment.tqdm"  # which closes what it is given, or not, by its version
    monkeypatch.setattr(plain, lambda results, **_: (result for result in results))
    with pytest.raises(ImageError, match="bad"):
        run(on_error="raise")
    assert closed == [True]
