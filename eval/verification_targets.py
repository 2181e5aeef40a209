"""Which verification packs a list of target names means."""

import warnings
from pathlib import Path

from insightrec.recordio_tools.errors import InputError

SUFFIX = ".bin"


def find_targets(folder, names):
    """Find the packs of ``names``, e.g. ``"lfw,cfp_fp"`` or ``"../packs/lfw.bin"``.

    A plain name means ``<folder>/<name>.bin``. Those that are absent are left out with a warning, as
    long as one pack is found; a path to a ``.bin`` must exist.

    Returns:
        dict target name -> path, in the order given.

    Raises:
        InputError: no folder, no pack, a path that does not exist, or two packs of one name.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of verification packs, found none; set --data-dir")
    found, absent = {}, []
    for name in filter(None, map(str.strip, names.split(","))):
        is_path = name.endswith(SUFFIX)
        path = Path(name) if is_path else folder / (name + SUFFIX)
        if is_path and not path.is_file():
            raise InputError(f"{path}: expected a verification pack, found no such file; change --target")
        if not path.is_file():
            absent.append(path)
        elif found.setdefault(path.stem, path) != path:
            raise InputError(f"{path}: expected targets of different names, found {found[path.stem]} too; rename one")
    if not found:
        present = ", ".join(sorted(path.name for path in folder.glob("*" + SUFFIX))) or f"no {SUFFIX} file"
        raise InputError(
            f"{folder}: expected a verification pack of --target {names}, found {present}; change --target"
        )
    for path in absent:
        warnings.warn(f"{path}: no such verification pack, skipped", stacklevel=2)
    return found
