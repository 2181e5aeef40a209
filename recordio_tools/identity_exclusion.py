"""Leaving identities out of a set: the list of those that overlap with a test set, say.

One identity a line, its name in the last of the tab-separated columns; lines that begin with ``#`` are comments.
"""

from insightrec.recordio_tools.errors import ListError


def read_exclusions(path):
    """The names in a list, each once, in order.

    Raises:
        ListError: no such file, or no name in it.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = [line.rstrip("\r\n") for line in file]
    except OSError as error:
        raise ListError(f"{path}: expected a list of identities, found: {error.strerror}; check --exclude") from None
    names = dict.fromkeys(line.rsplit("\t", 1)[-1] for line in lines if not line.startswith("#"))
    names.pop("", None)
    if not names:
        raise ListError(f"{path}: expected an identity a line, found none")
    return list(names)


def exclude_identities(rows, names, name_of, source):
    """Leave identities out and number the rest anew.

    Args:
        rows: list of `ListRow`.
        names: those to leave out (`read_exclusions`).
        name_of: the name of a row's identity: ``ListRow`` -> str.
        source: where the names come from, for errors.

    Returns:
        list of `ListRow`: the others, in order, with labels 0, 1, ... in the order of the old ones.

    Raises:
        ListError: a name that no row has; nothing would be left.
    """
    excluded = set(names)
    absent = excluded.difference(map(name_of, rows))
    if absent:
        first = next(name for name in names if name in absent)
        raise ListError(
            f"{source}: expected names of identities of the set, found {len(absent)} of {len(excluded)} that it does "
            f"not have, the first {first!r}; is the list of another set?"
        )
    kept = [row for row in rows if name_of(row) not in excluded]
    if not kept:
        raise ListError(f"{source}: names all identities of the set; nothing would be left")
    numbers = {label: number for number, label in enumerate(sorted({row.label for row in kept}))}
    return [row._replace(label=numbers[row.label]) for row in kept]
