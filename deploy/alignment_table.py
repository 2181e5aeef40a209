"""The table of what became of each photo (CSV), and the image list of those that have a crop."""

import contextlib
import csv
import io
import itertools
import os
from pathlib import Path

from insightrec.recordio_tools.atomic_file import AtomicFileSet
from insightrec.recordio_tools.list_file import format_photo_row

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
LANDMARK_COLUMNS = tuple(f"l{axis}{number}" for axis in "xy" for number in range(1, 6))  # in the order of a list's
_BEFORE = ("image", "status", "reason", "width", "height", "faces", "score")
COLUMNS = (*_BEFORE, *BOX_COLUMNS, *LANDMARK_COLUMNS, "crop")


def write_tables(list_path, table_path, identities, photos, ignored=()):
    """Write the image list and the table, whole or not at all, in place of old ones.

    Labels and order of the list are those that face2rec gives the folder of crops: identities by name, those
    without a crop left out, crops by name.

    Args:
        list_path, table_path: pathlib.Path.
        identities: iterable of lists of `PhotoResult`, one identity folder each, sorted by name.
        photos: the folder that the photos' paths begin at. In the list it stands relative to the list's own folder
            where it lies inside it, else whole.
        ignored: iterable of `PhotoResult`, of files that were not tried; the table's last lines.
    """
    prefix = Path(_from(list_path.parent, photos))
    paths = [table_path, list_path]
    with AtomicFileSet(paths, overwrite=True) as (table, image_list), csv_rows(table, COLUMNS) as rows:
        labels = itertools.count()
        for results in identities:
            rows.writerows(map(_row, results))
            cropped = sorted((result for result in results if result.crop), key=lambda result: result.crop)
            label = next(labels) if cropped else None
            for result in cropped:
                path = str(prefix / result.photo)
                image_list.write(format_photo_row(path, label, result.box, result.landmarks))
        rows.writerows(map(_row, ignored))


@contextlib.contextmanager
def csv_rows(file, columns):
    """A ``csv.writer`` into a binary file, for names of any bytes; every number comes back bit for bit."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    yield rows
    text.detach()


def coordinates(result):
    """What stands in `BOX_COLUMNS` and `LANDMARK_COLUMNS` of a `PhotoResult`; None is what is not known."""
    points = [point[axis] for axis in (0, 1) for point in result.landmarks] if result.landmarks else [None] * 10
    return *(result.box or [None] * 4), *points


def _row(result):
    """A line of the table; what is not known is empty."""
    sizes = (result.width, result.height, result.faces, result.score)
    return (result.photo, result.status, result.reason, *sizes, *coordinates(result), result.crop)


def _from(folder, photos):
    """How a list in ``folder`` calls the folder ``photos``."""
    folder, photos = folder.resolve(), Path(photos).resolve()
    return os.path.relpath(photos, folder) if folder in photos.parents else photos
