"""A folder of identity folders, one person each, as rows of an image list."""

import os
from pathlib import Path

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.list_file import ListRow

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def read_folders(root):
    """Rows of every image under ``root``: identities in sorted order as labels 0, 1, ..., images sorted within.

    Returns:
        ``(rows, empty)``: `ListRow` with ``path`` relative to ``root``, and the names of identity
        folders without an image, which get no label.

    Raises:
        ListError: ``root`` is missing or holds no identity folder with an image.
    """
    root = Path(root)
    if not root.is_dir():
        raise ListError(f"{root}: expected a folder of identity folders, found no such folder; check --root")
    rows, empty, label = [], [], 0
    for identity in sorted(entry.name for entry in os.scandir(root) if entry.is_dir()):
        images = sorted(
            entry.name for entry in os.scandir(root / identity) if entry.name.lower().endswith(IMAGE_SUFFIXES)
        )
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
    return rows, empty
