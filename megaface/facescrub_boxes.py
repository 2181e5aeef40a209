"""FaceScrub's tables of face boxes, ``facescrub_actors.txt`` and ``facescrub_actresses.txt``.

Tab-separated with a header line: name, image id, face id, address, box as ``x1,y1,x2,y2`` in pixels of the photo,
and a hash. The number in the file name of a photo is the face id.
"""

import os
from pathlib import Path

import numpy as np

from insightrec.megaface.face_guide import FaceGuide, to_box
from insightrec.megaface.template_list import read_bytes
from insightrec.recordio_tools.errors import ListError

TABLES = ("facescrub_actors.txt", "facescrub_actresses.txt")
_NAME, _FACE_ID, _BOX = 0, 2, 4  # columns
_HEADER_BOX = "bbox"


def read_boxes(folder, keys):
    """The boxes of some photos.

    Args:
        folder: path of the folder with both `TABLES`.
        keys: collection of `face_key`.

    Returns:
        dict of `FaceGuide`, one for each of ``keys``: with the box, or with the fault why there is none.

    Raises:
        ListError: a table is missing, or has no header line.
    """
    found, unread = {}, []
    for name in TABLES:
        path = Path(folder, name)
        lines = os.fsdecode(read_bytes(path)).split("\n")
        if lines[0].rstrip("\r").split("\t")[_BOX : _BOX + 1] != [_HEADER_BOX]:
            raise ListError(
                f"{path}: line 1: expected a header line with {_HEADER_BOX!r} as its fifth column, found none"
            )
        for number, line in enumerate(lines[1:], 2):
            columns = line.rstrip("\r").split("\t")
            if len(columns) <= _FACE_ID:
                unread += [f"{path}: line {number}"] if line.strip() else []
                continue
            key = face_key(columns[_NAME], columns[_FACE_ID])
            if key in keys:
                guide = _guide(columns, f"{path}: line {number}")
                found[key] = guide if key not in found else _either(found[key], guide)
    damage = f", nor can {len(unread)} of their lines be read, the first {unread[0]}" if unread else ""
    return {key: found.get(key) or _absent(folder, key, damage) for key in keys}


def face_key(name, face_id):
    """What identifies a photo: (name, face id), with underscores for the name's blanks, as in the devkit's lists."""
    return name.strip().replace(" ", "_"), face_id.strip()


def _guide(columns, place):
    text = columns[_BOX] if len(columns) > _BOX else ""
    try:
        return FaceGuide(to_box(*text.split(",")))
    except (ValueError, TypeError):  # no number, or not four
        return FaceGuide(fault=f"{place}: expected a box x1,y1,x2,y2, found {text[:40]!r}")


def _either(first, second):
    """Of two lines for one photo the box that can be read; none where there are two different."""
    if first.box is None or second.box is None:
        return first if second.box is None else second
    if np.array_equal(first.box, second.box):
        return first
    return FaceGuide(fault=f"expected one box, found {first.box.tolist()} and {second.box.tolist()} in {TABLES}")


def _absent(folder, key, damage):
    return FaceGuide(fault=f"{folder}: no box for {' '.join(key)} in {' or '.join(TABLES)}{damage}")
