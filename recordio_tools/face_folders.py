"""A folder of identity folders, one person each, as rows of an image list."""

import os
from pathlib import Path

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.image_codec import IMAGE_SUFFIXES
from insightrec.recordio_tools.list_file import ListRow


def read_folders(root):
    """Rows of every image under ``root``: identities in sorted order as labels 0, 1, ..., images sorted within.

    Names that begin with a dot are passed over, as the shell does.

    Returns:
        ``(rows, empty, ignored)``: `ListRow` with ``path`` relative to ``root``; the names of identity
        folders without an image, which get no label; and how many files are left out because they
        are no images, lie loose in ``root``, or lie in folders within an identity folder.

    Raises:
        ListError: ``root`` is missing or holds no identity folder with an image.
    """
    root = Path(root)
    if not root.is_dir():
        raise ListError(f"{root}: expected a folder of identity folders, found no such folder; check the path")
    identities, loose = _visible(root)
    rows, empty, ignored, label = [], [], len(loose), 0
    for identity in identities:
        folders, files = _visible(root / identity)
        images = [name for name in files if name.lower().endswith(IMAGE_SUFFIXES)]
        ignored += len(files) - len(images) + sum(_count_files(root / identity / folder) for folder in folders)
        rows += [ListRow(True, f"{identity}/{name}", label) for name in images]
        if images:
            label += 1
        else:
            empty.append(identity)
    if not rows:
        raise ListError(
            f"{root}: expected identity folders with images ({' '.join(IMAGE_SUFFIXES)}), found "
            f"{len(empty)} folders and no image in them; give the folder that holds one folder for each person"
        )
    return rows, empty, ignored


def _visible(folder):
    """Names of the folders and of the files in ``folder``, each sorted, without hidden ones."""
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (folders if entry.is_dir() else files).append(entry.name)
    return sorted(folders), sorted(files)


def _count_files(folder):
    count = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        count += sum(not name.startswith(".") for name in files)
    return count
