"""The table of an alignment run while it grows, so that a run that was stopped can be continued.

Rows go to ``alignment.csv.part``, in the order of the photos, each after its crop. When the last is there, the list
``lst`` is written and the table takes its own name. A run that continues takes over the rows of the one before, from
the whole table or from the part file, which then becomes ``alignment.csv.earlier``. ``alignment.json`` holds what
both have to agree in.
"""

import itertools
import json
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from insightrec.megaface.aligned_photo import TABLE, format_row, header, parse_row
from insightrec.megaface.protocol_photo import photo_order
from insightrec.recordio_tools import list_file
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import OutputError

LIST = "lst"
SETTINGS = "alignment.json"
_FAULTS_KEPT = 20


class Outcome(NamedTuple):
    """What a run came to: ``counts`` of photos by `AlignedPhoto.how`; how many ``faults``, the ``first`` of them."""

    counts: Counter
    faults: int
    first: list


class CropJournal:
    """A context manager in whose block rows can be added.

    Args:
        folder: path of the output folder, made if need be.
        settings: dict for JSON, what the crops depend on.
        resume: continue what an earlier run began, and try again what it could not use.
        overwrite: begin anew over an earlier run.

    Raises:
        OutputError: an earlier run is there and neither is given, or it had other settings.
    """

    def __init__(self, folder, settings, *, resume=False, overwrite=False):
        self._folder = Path(folder)
        self._table, self._list, self._settings = (self._folder / name for name in (TABLE, LIST, SETTINGS))
        self._part, self._earlier = (self._folder / f"{TABLE}.{end}" for end in ("part", "earlier"))
        files = (self._table, self._part, self._earlier, self._list, self._settings)
        found = [path for path in files if os.path.lexists(path)]
        if found and not (resume or overwrite):
            raise OutputError(f"{found[0]}: is of an earlier run; give --resume to continue it, or --overwrite")
        if found and not overwrite:
            self._agree(settings)
            self._set_aside()
        else:
            for path in found:
                path.unlink()
            with atomic_write(self._settings) as file:
                file.write(_to_json(settings))

    def _agree(self, settings):
        found = self._settings.read_bytes() if self._settings.is_file() else b"none"
        if found != _to_json(settings):
            raise OutputError(
                f"{self._settings}: expected {_to_json(settings).decode().strip()}, found "
                f"{found[:300].decode(errors='replace').strip()}; give the options of that run, or --overwrite"
            )

    def _set_aside(self):
        """Make one table of earlier rows of what a stopped run left."""
        if self._part.is_file():
            with atomic_write(self._earlier, overwrite=True) as file:
                file.write(header())
                last = None
                for row in _rows(self._part):
                    file.write(format_row(row))
                    last = photo_order(row.path)
                rest = self._earlier_rows()
                if last is not None:
                    rest = itertools.dropwhile(lambda row: photo_order(row.path) <= last, rest)
                file.writelines(map(format_row, rest))
            self._part.unlink()

    def _earlier_rows(self):
        return _rows(self._earlier if self._earlier.is_file() else self._table)

    def __enter__(self):
        self._file = open(self._part, "wb", buffering=0)  # so that a row is there once it is added
        self._file.write(header())
        return self

    def __exit__(self, *_):
        self._file.close()

    def with_earlier(self, photos):
        """Pair each photo, in the order of `photo_order`, with its `AlignedPhoto` of an earlier run.

        Yields:
            ``(photo, row)``: row is None where there is none, its crop is gone, or something could not be used.
        """
        rows = self._earlier_rows()
        row = next(rows, None)
        for photo in photos:
            while row is not None and photo_order(row.path) < photo_order(photo.target):
                row = next(rows, None)
            is_done = row is not None and row.path == photo.target and not row.fault
            if is_done and (self._folder / row.path).is_file():
                yield photo, row._replace(label=photo.label)
            else:
                yield photo, None

    def add(self, row):
        """Write the `AlignedPhoto` of the next photo."""
        self._file.write(format_row(row))

    def finish(self):
        """After the last photo: write the list, give the table its name, and return the `Outcome`."""
        os.fsync(self._file.fileno())
        counts, faults, first = Counter(), 0, []
        with atomic_write(self._list, overwrite=True) as file:
            for row in _rows(self._part):
                counts[row.how] += 1
                if row.how:
                    file.write(list_file.format_row(row.path, row.label))
                if row.fault:
                    faults += 1
                    first += [row.fault] if faults <= _FAULTS_KEPT else []
        self._earlier.unlink(missing_ok=True)
        os.replace(self._part, self._table)
        return Outcome(counts, faults, first)


def _rows(path):
    """The rows of a table, up to the first that is damaged, as a killed run may leave it; none if there is no file."""
    if not path.is_file():
        return
    with open(path, "rb") as file:
        if file.readline() != header():
            return
        for line in file:
            try:
                yield parse_row(line)
            except ValueError:
                return


def _to_json(settings):
    return json.dumps(settings, sort_keys=True).encode() + b"\n"
