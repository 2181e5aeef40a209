"""What a run of the alignment step leaves beside the crops: the image list ``lst`` and the table ``alignment.csv``."""

from collections import Counter
from typing import NamedTuple

from insightrec.deploy.alignment_table import BOX_COLUMNS, LANDMARK_COLUMNS, coordinates, csv_rows
from insightrec.recordio_tools import list_file
from insightrec.recordio_tools.atomic_file import AtomicFileSet

LIST, TABLE = "lst", "alignment.csv"
COLUMNS = ("path", "label", "how", "score", *BOX_COLUMNS, *LANDMARK_COLUMNS, "fault")
FAILED = "failed"  # `PhotoResult.status` of a photo without a crop; else it is one of `guided_alignment.HOW`
_FAULTS_KEPT = 20


class Outcome(NamedTuple):
    """What a run came to: ``counts`` of photos by `PhotoResult.status`; how many ``faults``, the ``first`` of them."""

    counts: Counter
    faults: int
    first: list


def write_tables(output, photos, result_of):
    """Write the list of the crops and the table of all photos, whole or not at all, in place of old ones.

    The table has a row for each photo: its crop's path and label; how the face was found, nothing where there is no
    crop; score, box and landmarks in pixels of the photo as it is stored, as far as they are known; and the fault.

    Args:
        output: `AlignmentOutput`.
        photos: iterable of `ProtocolPhoto`.
        result_of: function of ``ProtocolPhoto.photo`` that gives its `PhotoResult`.

    Returns:
        `Outcome`.
    """
    counts, faults, first = Counter(), 0, []
    paths = [output.image_list, output.table]
    with AtomicFileSet(paths, overwrite=True) as (image_list, table), csv_rows(table, COLUMNS) as rows:
        for photo in photos:
            result = result_of(photo.photo)
            counts[result.status] += 1
            how = "" if result.status == FAILED else result.status
            rows.writerow((photo.crop, photo.label, how, result.score, *coordinates(result), result.fault))
            if result.crop:
                image_list.write(list_file.format_row(photo.crop, photo.label))
            if result.fault:
                faults += 1
                first += [result.fault] if faults <= _FAULTS_KEPT else []
    return Outcome(counts, faults, first)
