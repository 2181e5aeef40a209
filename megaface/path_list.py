"""Lists of images in any of the forms that the MegaFace tools were given: the devkit's JSON, or lines.

InsightFace's ``facescrub_lst`` and ``megaface_lst`` have a path a line, or, in 2018, ``1<TAB>path<TAB>label``.
"""

import codecs

from insightrec.megaface.template_list import TemplateList, check_paths, check_text, parse_template_list, read_bytes
from insightrec.recordio_tools.errors import ListError

PROBE_DEPTH = 2  # person/image
DISTRACTOR_DEPTH = 3  # three digits/album/image


def read_path_list(path, depth=None):
    """Read a list of either form; returns `TemplateList`, from lines without ids.

    ``depth``: how many parts of a line's path, from its end, features are filed under; None is all. Lines may name
    images anywhere, JSON lists only below one folder.

    Raises:
        ListError: no such file, no text, no path in it, a face that is not aligned, or a path that leaves its folder.
    """
    data = read_bytes(path).removeprefix(codecs.BOM_UTF8)
    if data.lstrip()[:1] == b"{":
        return parse_template_list(path, data)
    check_text(path, data)
    paths = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = line.rstrip("\r")
        if line:
            paths.append("/".join(_path(path, number, line).split("/")[-depth if depth else None :]))
    if not paths:
        raise ListError(f"{path}: expected a path a line or a JSON list of the devkit, found an empty file")
    check_paths(path, paths)
    return TemplateList(paths)


def _path(name, number, line):
    fields = line.split("\t")
    if len(fields) > 1 and fields[0] != "1":
        raise ListError(
            f"{name}: line {number}: expected 1 (aligned) in the first column, found {fields[0][:80]!r}; "
            "align its images first"
        )
    path = fields[min(1, len(fields) - 1)]
    if not path:
        raise ListError(f"{name}: line {number}: expected a path, found {line[:80]!r}")
    return path
