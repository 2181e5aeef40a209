"""Lists of two image names a line, for AgeDB-30 (Moschoglou et al., CVPRW 2017)::

    1_MariaCallas_35_f.jpg 9_MariaCallas_53_f.jpg         separated by spaces, tabs or commas
    0.jpg 1.jpg 1                                         a third column says it: 1 same; 0 or -1 different

Without a third column the names say it: they show one person when the same ``_``-field of the name is
equal. In the protocol's names that is the first field, as InsightFace compares them; in the data set's
own names, as above, it is the second, after a running number. A person's field has a letter, and other
fields follow it.

The 10 folds are the list's consecutive tenths, as in the official protocol (600 pairs each). A list
that has no equal tenths with both kinds of pairs in each has no folds: all its pairs are in fold 0.
"""

import re
from pathlib import PurePosixPath

from insightrec.recordio_tools.pair_list import FOLDS, Pair, inside_root, read_lines

_FLAGS = {"1": True, "0": False, "-1": False}


def read_agedb_pairs(path):
    """Read such a list; returns a list of `Pair` in its order.

    Raises:
        ListError: a line has other columns, or names that do not tell the person and no flag.
    """
    pairs = [_pair(line) for line in read_lines(path)]
    size, rest = divmod(len(pairs), FOLDS)
    tenths = [{pair.is_same for pair in pairs[fold * size : (fold + 1) * size]} for fold in range(FOLDS)]
    if rest == 0 and all(len(kinds) == 2 for kinds in tenths):
        pairs = [pair._replace(fold=i // size) for i, pair in enumerate(pairs)]
    return pairs


def _pair(line):
    fields = re.split(r"\s*,\s*|\s+", line.text)
    if len(fields) == 2:
        person_a, person_b = map(_person, fields)
        if person_a is None or person_b is None:
            raise line.error("names that tell the person, such as 1_MariaCallas_35_f.jpg, or a third column 1/0")
        is_same = person_a == person_b
    elif len(fields) == 3 and fields[2] in _FLAGS:
        is_same = _FLAGS[fields[2]]
    else:
        raise line.error("'image image' or 'image image flag' with flag 1, 0 or -1")
    return Pair(inside_root(fields[0], line), inside_root(fields[1], line), is_same, 0)


def _person(path):
    fields = PurePosixPath(path).stem.split("_")
    place = 1 if fields[0].isdigit() else 0
    is_person = place < len(fields) - 1 and any(map(str.isalpha, fields[place]))
    return fields[place] if is_person else None
