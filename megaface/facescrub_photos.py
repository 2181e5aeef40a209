"""FaceScrub's photos by a list of the devkit: where each lies, and what its crop is called.

A photo is ``<Name>/<Name>_<face id>.<ending>``. The file may have another ending than in the list, or none: what
counts is the name and the number behind the last underscore. The crop is ``Name_Name/Name_Name_<face id>.png``, as in
the devkit's list of cropped photos.
"""

import os
from pathlib import Path, PurePosixPath

from insightrec.megaface.facescrub_boxes import face_key, read_boxes
from insightrec.megaface.path_list import read_path_list
from insightrec.megaface.protocol_photo import ProtocolPhoto, photo_order
from insightrec.recordio_tools.errors import ListError

FOLDER = "facescrub"  # holds the folders of photos within the input folder, which may also hold them itself


def find_facescrub(folder, list_path):
    """The photos of a list in the order of their crops, with their boxes.

    Args:
        folder: path of the input folder: both box tables, and the folders of photos.
        list_path: list of photos (`path_list`), such as ``facescrub_uncropped_features_list.json``.

    Returns:
        list of `ProtocolPhoto`. A label is the place of the person among the sorted ones of the list. Of a photo
        that is not there ``source`` is where it was expected.

    Raises:
        ListError: as `read_path_list` and `read_boxes`, or a name in the list is none of FaceScrub's.
    """
    listed = {_key(path, list_path): path for path in read_path_list(list_path).paths}
    boxes = read_boxes(folder, listed.keys())
    persons = sorted({person for person, _ in listed})
    labels = {person: label for label, person in enumerate(persons)}
    files = {}
    for person_folder in {str(PurePosixPath(path).parent) for path in listed.values()} | set(persons):
        for root in (Path(folder, FOLDER), Path(folder)):
            _add_files(files, root / person_folder)
    photos = []
    for (person, face_id), path in listed.items():
        names = files.get((person, face_id), {})
        source = names.get(PurePosixPath(path).name) or names[min(names)] if names else Path(folder, FOLDER, path)
        target = f"{person}/{person}_{face_id}.png"
        photos.append(ProtocolPhoto(str(source), target, labels[person], boxes[person, face_id]))
    return sorted(photos, key=lambda photo: photo_order(photo.target))


def _key(path, list_path):
    """`face_key` of a photo in the list."""
    name, _, face_id = _stem(PurePosixPath(path).name).rpartition("_")
    if not name.strip(". ") or not face_id.isdecimal():
        raise ListError(f"{list_path}: expected photos <Name>/<Name>_<number>.jpg, found {path[:80]!r}")
    return face_key(name, face_id)


def _stem(name):
    """A file's name without its ending: what follows a dot behind the last underscore, as names hold dots too."""
    name, underscore, rest = name.rpartition("_")
    return name + underscore + rest.partition(".")[0]


def _add_files(files, folder):
    """Add the photos of a person's folder to ``files``: `face_key` -> {file name: path}."""
    if not folder.is_dir():
        return
    for name in os.listdir(folder):
        person, _, face_id = _stem(name).rpartition("_")
        files.setdefault(face_key(person, face_id), {}).setdefault(name, folder / name)
