"""InsightFace's noise lists: images of FaceScrub that show someone else, and distractors that show a FaceScrub person.

Lines of text: comments begin with ``#``; a name, or ``something<TAB>name``; names may be repeated. Images of FaceScrub
are named by their file, ``Aaron_Eckhart_136.png``, distractors by ``375/37531198@N00/4174611825_0.jpg``.
"""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.path_list import DISTRACTOR_DEPTH
from insightrec.megaface.template_list import read_bytes
from insightrec.recordio_tools.errors import ListError


class NoiseList(NamedTuple):
    """``names``: list of str, each once; ``repeats``: lines that name one again."""

    names: list
    repeats: int


class NoiseMatch(NamedTuple):
    """Which images of a list are noisy.

    noisy: bool (N,), for each path of the list.
    found: list of str, the noisy names that the list has; absent: those that it has not.
    """

    noisy: np.ndarray
    found: list
    absent: list


def read_noise_list(path):
    """Read a noise list; returns `NoiseList`.

    Raises:
        ListError: no such file, a line without a name, or no name at all.
    """
    names = []
    for number, line in enumerate(read_bytes(path).decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        line = line.strip("\r\n ")
        if line and not line.startswith("#"):
            fields = line.split("\t")
            name = fields[min(1, len(fields) - 1)].strip()
            if not name:
                raise ListError(f"{path}: line {number}: expected a name, found {line[:80]!r}")
            names.append(name)
    if not names:
        raise ListError(f"{path}: expected names of noisy images, found none; check the path")
    unique = list(dict.fromkeys(names))
    return NoiseList(unique, len(names) - len(unique))


def probe_name(path):
    """What a probe goes by in a noise list: its file's name."""
    return path.rpartition("/")[2]


def distractor_name(path):
    """What a distractor goes by in a noise list: the last three parts of its path."""
    return "/".join(path.split("/")[-DISTRACTOR_DEPTH:])


def person_of(name):
    """The person of a FaceScrub file name: ``Robert_Downey_Jr.`` of ``Robert_Downey_Jr._49395.png``."""
    return name.rpartition("_")[0]


def match_noises(names, paths, name_of):
    """Find noisy images in a list: those whose ``name_of(path)`` is that of one of ``names``; returns `NoiseMatch`."""
    keys = {name_of(name): name for name in names}
    path_keys = [name_of(path) for path in paths]
    listed = set(path_keys)
    noisy = np.fromiter((key in keys for key in path_keys), bool, len(paths))
    found, absent = [], []
    for key, name in keys.items():
        (found if key in listed else absent).append(name)
    return NoiseMatch(noisy, found, absent)
