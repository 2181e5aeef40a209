"""The MegaFace devkit's lists: a JSON object of parallel arrays, ``path`` and, for probes, ``id``.

FaceScrub, FG-NET and the lists of both challenges have this form. A path is relative to a folder of images
or, with a file ending added, of features; an id is the name of the person.
"""

import codecs
import json
import os
from typing import NamedTuple, Optional

from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import ListError

MAX_LIST_BYTES = 1 << 30  # a list of a million images has about 50 MB


class TemplateList(NamedTuple):
    """``paths``: list of str; ``ids``: list of str, as long, or None where the list names no persons."""

    paths: list
    ids: Optional[list] = None


def read_template_list(path, *, ids_required=False):
    """Read a list of the devkit; returns `TemplateList`.

    Raises:
        ListError: no such file; no such list; it is empty; a path leaves its folder; ids are not strings, as many
            as paths (the devkit stops at numbers), or absent though ``ids_required``.
    """
    return parse_template_list(path, read_bytes(path), ids_required=ids_required)


def parse_template_list(path, data, *, ids_required=False):
    """Like `read_template_list`, of a file's bytes; ``path`` is its name in errors."""
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ListError(f"{path}: expected a JSON list of the devkit, found none ({error}); check the path") from None
    if not isinstance(content, dict) or "path" not in content:
        raise ListError(f"{path}: expected a JSON object with a 'path' array, found none; is it a list of the devkit?")
    paths = _strings(path, content, "path")
    check_paths(path, paths)
    ids = _strings(path, content, "id") if "id" in content else None
    if ids is None and ids_required:
        raise ListError(f"{path}: expected an 'id' array with the person of each path, found none; is it a probe list?")
    if ids is not None and len(ids) != len(paths):
        raise ListError(f"{path}: expected as many ids as paths, found {len(ids)} ids and {len(paths)} paths")
    return TemplateList(paths, ids)


def write_template_list(path, templates, *, source="", overwrite=False):
    """Write a `TemplateList` with the text that the devkit's run_experiment.py gives its lists.

    That is Python 2's: keys sorted, an indent of 4, a blank at the end of a line within an array. ``source`` is a
    text under a key of our own, which readers pass over; "" leaves it out.

    Raises:
        OutputError: as `atomic_write`.
    """
    content = {"path": templates.paths}
    if source:
        content["source"] = source
    if templates.ids is not None:
        content["id"] = templates.ids
    text = json.dumps(content, sort_keys=True, indent=4, separators=(", ", ": "))
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(text.encode("ascii"))


def read_bytes(path):
    """The bytes of a list.

    Raises:
        ListError: no such file, or more than `MAX_LIST_BYTES`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise ListError(f"{path}: expected a list, found: {error.strerror}; check the path") from None
    if len(data) > MAX_LIST_BYTES:
        raise ListError(f"{path}: expected a list of at most {MAX_LIST_BYTES} bytes, found more; check the path")
    return data


def check_text(path, data):
    """Raise `ListError` unless ``data``, the bytes of the list ``path``, can be lines of text (no UTF-16)."""
    if b"\0" in data or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ListError(f"{path}: expected lines of text in UTF-8, found UTF-16 or binary data; save it as UTF-8")


def check_paths(name, paths):
    """Raise `ListError` for the first of ``paths`` that is not below the folder it is relative to."""
    for position, path in enumerate(paths):
        if path.startswith("/") or path.endswith("/") or ".." in path.split("/"):
            raise ListError(f"{name}: path {position}: expected a path below the image folder, found {path[:80]!r}")


def _without_repeats(pairs):
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands in it twice")
    return content


def _strings(name, content, key):
    """The array ``key``: strings that are not empty and that a file's name can hold."""
    values = content[key]
    if not isinstance(values, list) or not values:
        found = "none" if values == [] else "no array"
        raise ListError(f"{name}: expected strings in the array {key!r}, found {found}")
    for position, value in enumerate(values):
        if not isinstance(value, str) or not value or "\0" in value or not _is_encodable(value):
            numbers = sum(not isinstance(each, str) for each in values)
            advice = f"; {key}s must be strings, in quotes: {numbers} of {len(values)} are not" if numbers else ""
            raise ListError(f"{name}: {key} {position}: expected a string, found {json.dumps(value)[:80]}{advice}")
    return values


def _is_encodable(text):
    """False for half a surrogate pair, which JSON can escape and no file name holds."""
    if text.isascii():
        return True
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
