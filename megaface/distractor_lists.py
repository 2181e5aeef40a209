"""The devkit's distractor lists, one for each size and set: ``megaface_features_list.json_<size>_<set>``."""

import re
from pathlib import Path

from insightrec.recordio_tools.errors import ListError

LIST_NAME = "megaface_features_list.json"
DEFAULT_SIZES = (10, 100, 1000, 10000, 100000, 1000000)


def base_path(location):
    """What the lists' names start with: ``location`` itself, or in a folder `LIST_NAME`."""
    location = Path(location)
    return location / LIST_NAME if location.is_dir() else location


def find_lists(location, sizes, sets):
    """The lists of some sizes.

    Args:
        location: the folder of the lists, or what their names start with.
        sizes: list of int, all of which must be there; None is those of `DEFAULT_SIZES` that are.
        sets: sets of each size, numbered from 1.

    Returns:
        dict (size, set) -> pathlib.Path; and the list of the default sizes that are absent.

    Raises:
        ListError: a list is missing.
    """
    base = base_path(location)
    if base.is_file() and (ending := re.search(r"_\d+_\d+\Z", base.name)):
        raise ListError(f"{base}: expected what the lists' names start with, found a list; leave {ending[0]} off")
    found, absent = {}, []
    for size in dict.fromkeys(DEFAULT_SIZES if sizes is None else sizes):
        paths = {(size, number): Path(f"{base}_{size}_{number}") for number in range(1, sets + 1)}
        missing = [str(path) for path in paths.values() if not path.is_file()]
        if sizes is None and len(missing) == sets:
            absent.append(size)
        elif missing:
            raise ListError(f"{', '.join(missing)}: expected a distractor list, found none; check -dlp, -s and -ns")
        else:
            found.update(paths)
    if not found:
        raise ListError(
            f"{base}_SIZE_SET: expected distractor lists, found none of the default sizes; check -dlp or give -s"
        )
    return found, absent
