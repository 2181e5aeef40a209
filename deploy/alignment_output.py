"""Where an alignment's files go, and which of those that are there may be kept or replaced."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from insightrec.deploy.alignment_journal import read_journal
from insightrec.deploy.photo_alignment import file_stamp
from insightrec.recordio_tools.errors import OutputError


class AlignmentOutput(NamedTuple):
    """The folder of crops and the files beside it (pathlib.Path)."""

    crops: Path
    image_list: Path
    table: Path
    page: Path
    journal: Path

    @classmethod
    def at(cls, folder):
        """The paths for a folder of crops."""
        folder = Path(folder)
        if folder.name in ("", ".."):
            folder = folder.resolve()
        return cls(folder, *(folder.with_name(folder.name + end) for end in (".lst", ".csv", ".html", ".journal")))

    def existing(self):
        """Those that are there; an empty folder does not count."""
        is_empty = self.crops.is_dir() and not any(self.crops.iterdir())
        return [path for path in self if os.path.lexists(path) and not (path == self.crops and is_empty)]


def results_to_keep(output, *, resume, overwrite, settings, photos, crops_of):
    """The results of an earlier run that a new one begins with; what it replaces is removed, or refused.

    With ``resume`` a result is kept if its photo is there unchanged and its crop is there under the name it would
    get today; photos that failed are tried again. Crops of other results are removed. With ``overwrite`` all are.
    Only crops that a journal names are removed.

    Args:
        output: `AlignmentOutput`.
        settings: what the earlier run has to share (`read_journal`).
        photos: pathlib.Path of the folder of photos.
        crops_of: dict of photo to crop, the paths of `PhotoJob`.

    Returns:
        iterable of `PhotoResult`; crops are removed while it is passed over.

    Raises:
        OutputError: files are there and neither ``resume`` nor ``overwrite`` is given, or no journal says that an
            earlier run wrote them; or as `read_journal`.
    """
    existing = output.existing()
    if not existing:
        return ()
    if not (resume or overwrite):
        raise OutputError(
            f"{', '.join(map(str, existing))}: exists already; --resume goes on where an earlier run ended, "
            "--overwrite replaces what it wrote"
        )
    if output.journal not in existing and (resume or output.crops in existing):
        raise OutputError(
            f"{output.journal}: expected the journal of an earlier run beside {existing[0]}, found none, so that is "
            "kept as it is; remove it, or choose another output"
        )
    if resume:
        return _still_valid(output, settings, photos, crops_of)
    if output.journal in existing:
        with contextlib.suppress(OutputError):  # damaged: what it names until there
            for result in read_journal(output.journal):
                _remove_crop(output.crops, result)
    return ()


def _still_valid(output, settings, photos, crops_of):
    for result in read_journal(output.journal, settings):
        if (
            result.status != "failed"
            and result.photo in crops_of
            and result.crop in ("", crops_of[result.photo])
            and result.stamp == file_stamp(photos / result.photo)
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
        (folder / result.crop).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (folder / result.crop).parent.rmdir()
