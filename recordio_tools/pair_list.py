"""What the pair lists of LFW, CFP and AgeDB have in common: a pair, lines with errors, the image on disk."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from insightrec.recordio_tools.errors import ListError

FOLDS = 10  # of the verification protocol; evaluation cuts a pack into this many equal consecutive parts
MAX_LIST_BYTES = 1 << 26  # the largest published list has 0.3 MB
_ENDINGS = (".jpg", ".jpeg", ".png")


class Pair(NamedTuple):
    """Two image paths relative to the root, with ``/``; whether they show one person; the official fold, from 0."""

    path_a: str
    path_b: str
    is_same: bool
    fold: int


class Line(NamedTuple):
    """One line of a list that is not blank; ``place`` names its file and number."""

    text: str
    place: str

    def error(self, expected):
        """The `ListError` that says what was expected here and what was found."""
        return ListError(f"{self.place}: expected {expected}, found {self.text[:80]!r}")


def read_lines(path):
    """The lines of a text list as a list of `Line`, stripped, without blank ones.

    Raises:
        ListError: no such file, larger than `MAX_LIST_BYTES`, not UTF-8, or nothing in it.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ListError(f"{path}: expected a pair list, found no such file; check --pairs") from None
    if len(data) > MAX_LIST_BYTES:
        raise ListError(f"{path}: expected a pair list of at most {MAX_LIST_BYTES} bytes, found more; check --pairs")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListError(f"{path}: byte {error.start}: expected UTF-8 text, found another encoding") from None
    lines = [Line(line.strip(), f"{path}: line {i}") for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise ListError(f"{path}: expected a pair list, found an empty file; check --pairs")
    return lines


def is_number(text):
    """Whether ``text`` is a plain number of up to seven digits, as in the published lists."""
    return text.isascii() and text.isdigit() and len(text) < 8


def inside_root(path, line):
    """``path`` as listed, if it stays below the root it is relative to; else the line's `ListError`."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise line.error("a path below the image folder")
    return path


def find_image(root, path):
    """The file of a listed image below ``root``, or None.

    Tried in this order: the path as listed, then with the endings .jpg, .jpeg and .png, because
    alignment may have written another format than the list names.
    """
    stem = path
    for ending in _ENDINGS:
        if path.lower().endswith(ending):
            stem = path[: -len(ending)]
    for candidate in (path, *(stem + ending for ending in _ENDINGS)):
        file = Path(root, candidate)
        if file.is_file():
            return file
    return None
