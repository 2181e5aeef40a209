"""Where an alignment's files go, and which of those that are there may be kept or replaced."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple, Optional

from insightrec.deploy.alignment_journal import is_journal, read_journal
from insightrec.recordio_tools.errors import InputError, OutputError
from insightrec.recordio_tools.file_stamp import file_stamp


class AlignmentOutput(NamedTuple):
    """The folder of crops and the files beside it, or in it (pathlib.Path)."""

    crops: Path
    image_list: Path
    table: Path
    page: Optional[Path]
    journal: Path

    @classmethod
    def beside(cls, folder):
        """The paths for a folder that holds nothing but crops."""
        folder = Path(folder)
        if folder.name in ("", ".."):
            folder = folder.resolve()
        return cls(folder, *(folder.with_name(folder.name + end) for end in (".lst", ".csv", ".html", ".journal")))

    @classmethod
    def within(cls, folder, image_list, table, journal):
        """The paths for a folder that holds the crops and the files of these names, and may hold others."""
        folder = Path(folder)
        return cls(folder, folder / image_list, folder / table, None, folder / journal)

    def existing(self):
        """Those that are there. A folder of nothing but crops counts if it is not empty."""
        files = [path for path in self[1:] if path is not None and os.path.lexists(path)]
        is_apart = self.journal.parent != self.crops
        is_used = os.path.lexists(self.crops) and not (self.crops.is_dir() and not any(self.crops.iterdir()))
        return [self.crops, *files] if is_apart and is_used else files


def refuse_nested(photos, crops):
    """Raise `InputError` if the folder of crops is that of photos, or lies in it, or it in that."""
    photos, crops = Path(photos).resolve(), Path(crops).resolve()
    if photos == crops or photos in crops.parents or crops in photos.parents:
        raise InputError(
            f"{crops}: expected an output folder that is not inside the photos' folder, {photos}, nor around it; "
            "choose another"
        )


def results_to_keep(output, jobs, aligner, *, resume, overwrite):
    """The results of an earlier run that a new one begins with; what it replaces is removed, or refused.

    With ``resume`` a result is kept if its photo is there unchanged and its crop is there under the name it would
    get today; photos with a fault are tried again. Crops of other results are removed. With ``overwrite`` all are,
    and with them list, table and page. Only crops that a journal names are removed.

    Args:
        output: `AlignmentOutput`.
        jobs: list of what has a ``photo`` and a ``crop``, as in `PhotoResult`.
        aligner: what made the results, and is to make others (`resumable_alignment`).

    Returns:
        iterable of `PhotoResult`; crops are removed while it is passed over.

    Raises:
        OutputError: files are there and neither ``resume`` nor ``overwrite`` is given, or no journal says that an
            earlier run wrote them; a folder stands where a file is to be, or the reverse; or as `read_journal`.
    """
    existing = output.existing()
    if not existing:
        return ()
    for path in existing:
        is_crops = path == output.crops
        if path.is_dir() != is_crops:
            expected, found = ("folder", "file") if is_crops else ("file", "folder")
            raise OutputError(f"{path}: expected a {expected} or nothing, found a {found}; choose another output")
    if not (resume or overwrite):
        raise OutputError(
            f"{', '.join(map(str, existing))}: exists already; --resume goes on where an earlier run ended, "
            "--overwrite replaces what it wrote"
        )
    if not is_journal(output.journal):
        found = "another file" if output.journal in existing else "none"
        raise OutputError(
            f"{output.journal}: expected the journal of an earlier run beside {existing[0]}, found {found}, so all is "
            f"kept as it is; move {', '.join(map(str, existing))} away, or choose another output"
        )
    if resume:
        return _still_valid(output, jobs, aligner)
    with contextlib.suppress(OutputError):  # damaged: what it names until there
        for result in read_journal(output.journal, aligner.statuses):
            _remove_crop(output.crops, result)
    for path in (output.image_list, output.table, output.page):
        if path in existing:
            path.unlink()
    return ()


def _still_valid(output, jobs, aligner):
    jobs = {job.photo: job for job in jobs}
    for result in read_journal(output.journal, aligner.statuses, aligner.settings):
        job = jobs.get(result.photo)
        if (
            job is not None
            and result.status in aligner.statuses
            and not result.fault
            and result.crop in ("", job.crop)
            and result.stamp == aligner.stamp(job)
            and _is_whole(output.crops, result)
        ):
            yield result
        else:
            _remove_crop(output.crops, result)


def _is_whole(folder, result):
    """Whether the result's crop, if it has one, is there with all its bytes."""
    stamp = file_stamp(folder / result.crop)
    return not result.crop or (stamp is not None and stamp[0] == result.crop_bytes)


def _remove_crop(folder, result):
    """Remove the result's crop, if it has one, and its folder if that was the last."""
    if result.crop:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (folder / result.crop).unlink()
        with contextlib.suppress(OSError):
            (folder / result.crop).parent.rmdir()
