"""MegaFace's and FG-NET's photos: all of a folder, or those of a list.

A photo of MegaFace is ``<3 digits>/<user>/<image>.jpg``, one of FG-NET ``<person>/<image>.JPG``; any depth will do.
The crop has the same path, so that photos are what can be written under their own name: JPEG and PNG.
"""

import itertools
import os
from pathlib import Path

from insightrec.megaface.path_list import read_path_list
from insightrec.megaface.protocol_photo import ProtocolPhoto, photo_order
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.list_file import check_path

ENDINGS = (".jpg", ".jpeg", ".png")
NO_PHOTOS = ".jpg.jpg"  # a file that MegaFace's lists do not name


def find_megaface(folder):
    """Yield a `ProtocolPhoto` for each photo in a folder, as they lie on disk, in the order of `photo_order`.

    A label counts the folders with photos; hidden files and folders are passed over.

    Raises:
        ListError: a path that no list can hold.
    """
    return _numbered(folder, _walk(Path(folder), ""))


def listed_megaface(folder, list_path):
    """Like `find_megaface`, for the photos of a list (`path_list`), whether they are there or not.

    Raises:
        ListError: as `read_path_list`, or a file in it is no JPEG or PNG.
    """
    paths = sorted(set(read_path_list(list_path).paths), key=photo_order)
    for path in paths:
        if not path.lower().endswith(ENDINGS):
            raise ListError(f"{list_path}: expected photos that end in {', '.join(ENDINGS)}, found {path[:80]!r}")
    return _numbered(folder, paths)


def _numbered(folder, paths):
    by_folder = itertools.groupby(paths, key=lambda path: path.rpartition("/")[0])
    for label, (_, group) in enumerate(by_folder):
        for path in group:
            check_path(path)
            yield ProtocolPhoto(f"{folder}/{path}", path, label)


def _walk(folder, prefix):
    """Paths of the photos in a folder, with ``prefix`` before each."""
    folders, photos = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.name.lower().endswith(ENDINGS) and not entry.name.lower().endswith(NO_PHOTOS):
                photos.append(entry.name)
    for name in sorted(photos):
        yield f"{prefix}{name}"
    for name in sorted(folders):
        yield from _walk(folder / name, f"{prefix}{name}/")
