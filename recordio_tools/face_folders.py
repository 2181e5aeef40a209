"""A folder of identity folders, one person each, as rows of an image list."""

import os
from pathlib import Path
from typing import NamedTuple

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.image_suffixes import IMAGE_SUFFIXES
from insightrec.recordio_tools.list_file import ListRow


class Folders(NamedTuple):
    """What a folder of identity folders holds.

    rows: list of `ListRow`, one for each image, ``path`` relative to the folder. empty: names of the identity folders
    without an image, which get no label. ignored: paths, relative to the folder, of the files left out because they are
    no images, lie loose in it, or lie in folders within an identity folder.
    """

    rows: list
    empty: list
    ignored: list


def read_folders(root, suffixes=IMAGE_SUFFIXES):
    """Rows of every image under ``root``: identities in sorted order as labels 0, 1, ..., images sorted within.

    Names that begin with a dot are passed over, as the shell does.

    Args:
        root: the folder that holds one folder for each person.
        suffixes: tuple of the endings, in small letters, of what is taken for an image.

    Returns:
        `Folders`.

    Raises:
        ListError: ``root`` is missing or holds no identity folder with an image.
    """
    root = Path(root)
    if not root.is_dir():
        raise ListError(f"{root}: expected a folder of identity folders, found no such folder; check the path")
    identities, ignored = _visible(root)
    rows, empty, label = [], [], 0
    for identity in identities:
        folders, files = _visible(root / identity)
        images = [name for name in files if name.lower().endswith(suffixes)]
        ignored += [f"{identity}/{name}" for name in files if not name.lower().endswith(suffixes)]
        for folder in folders:
            ignored += _files_below(root, f"{identity}/{folder}")
        rows += [ListRow(True, f"{identity}/{name}", label) for name in images]
        if images:
            label += 1
        else:
            empty.append(identity)
    if not rows:
        loose = sum(name.lower().endswith(suffixes) for name in ignored)
        raise ListError(
            f"{root}: expected identity folders with images ({' '.join(suffixes)}), found {len(empty)} folders and "
            f"no image in them, {loose} elsewhere; give the folder that holds one folder for each person"
        )
    return Folders(rows, empty, ignored)


def _visible(folder):
    """Names of the folders and of the files in ``folder``, each sorted, without hidden ones."""
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (folders if _is_folder(entry) else files).append(entry.name)
    return sorted(folders), sorted(files)


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle: a file that cannot be read
        return False


def _files_below(root, path):
    """The files in the folder ``root/path`` and those within, as paths relative to ``root``, without hidden ones."""
    found = []
    for folder, folders, files in os.walk(root / path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(folder, root)
        found += [f"{below}/{name}" for name in sorted(files) if not name.startswith(".")]
    return found
