"""InsightFace's noise lists: images of FaceScrub that show someone else, and distractors that show a FaceScrub person.

Lines of text: comments begin with ``#``; a name, or ``something<TAB>name``; names may be repeated. Images of FaceScrub
are named by their file, ``Aaron_Eckhart_136.png``, or with its folder, where files of several persons have one name;
distractors by ``375/37531198@N00/4174611825_0.jpg``.
"""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.path_list import DISTRACTOR_DEPTH, PROBE_DEPTH
from insightrec.megaface.template_list import check_text, read_bytes
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
    """Read a noise list; returns `NoiseList`, without names where there are only comments.

    Raises:
        ListError: no such file, an empty one, a line without a name, or another encoding than one of single bytes or
            UTF-8.
    """
    data = read_bytes(path)
    check_text(path, data)
    if not data.strip():
        raise ListError(f"{path}: expected names of noisy images, found an empty file; check the path")
    names = []
    for number, line in enumerate(data.decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        line = line.strip("\r\n ")
        if line and not line.startswith("#"):
            fields = line.split("\t")
            name = fields[min(1, len(fields) - 1)].strip()
            if not name:
                raise ListError(f"{path}: line {number}: expected a name, found {line[:80]!r}")
            names.append(name)
    unique = list(dict.fromkeys(names))
    return NoiseList(unique, len(names) - len(unique))


def probe_names(path):
    """What a probe may go by in a noise list: its file's name, and person/file."""
    return path.rpartition("/")[2], _end(path, PROBE_DEPTH)


def distractor_names(path):
    """What a distractor goes by in a noise list: the last three parts of its path, the one name of a tuple."""
    return (_end(path, DISTRACTOR_DEPTH),)


def person_of(name):
    """The person of a FaceScrub image: ``Robert_Downey_Jr.`` of ``Robert_Downey_Jr._49395.png``, or its folder."""
    folder, slash, file = name.rpartition("/")
    return folder.rpartition("/")[2] if slash else file.rpartition("_")[0]


def match_noises(names, paths, names_of):
    """Find noisy images in a list: those that one of ``names`` means; returns `NoiseMatch`.

    Args:
        names: list of str, from a noise list.
        paths: list of N str.
        names_of: `probe_names` or `distractor_names`.
    """
    keys = {names_of(name)[-1]: name for name in names}
    listed = set()
    noisy = np.zeros(len(paths), bool)
    for place, path in enumerate(paths):
        meant = keys.keys() & names_of(path)
        noisy[place] = bool(meant)
        listed |= meant
    found, absent = [], []
    for key, name in keys.items():
        (found if key in listed else absent).append(name)
    return NoiseMatch(noisy, found, absent)


def _end(path, depth):
    return "/".join(path.split("/")[-depth:])
