"""What became of each photo, kept on disk while a run goes on, so that a killed one is continued.

A journal is a text file of JSON lines: the settings of the run, then for each photo two. The first, its name and the
path of its crop, stands there before the crop is made; the second, a `PhotoResult` as a list, once it is. So every
file that a run wrote is named, wherever it was killed. Memory holds only where the results begin.
"""

import json
import os

from insightrec.deploy.photo_result import BEGUN, PhotoResult, parse_begun, parse_result
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import OutputError

_FORMAT = "insightrec alignment 1"
_MOST_HEAD = 1 << 20  # bytes of the first line; ours has a few hundred


class AlignmentJournal:
    """A journal that is written, and read by photo; use it in a ``with`` block.

    Args:
        path: pathlib.Path of the file; one that is there is replaced.
        settings: dict of what JSON can hold: what a run that continues this one has to share.
        results: `PhotoResult` that it begins with.
    """

    def __init__(self, path, settings, results=()):
        self._places = {}  # photo: where its result begins, bytes
        with atomic_write(path, overwrite=True) as file:
            file.write(_line([_FORMAT, settings]))
            for result in results:
                self._write(file, result)
        self._file = open(path, "a+b")  # noqa: SIM115 (closed by __exit__)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __contains__(self, photo):
        return photo in self._places

    def read(self, photo):
        """The `PhotoResult` of a photo."""
        self._file.seek(self._places[photo])
        return PhotoResult(*json.loads(self._file.readline()))

    def begin(self, photo, crop):
        """Say that the crop of a photo will be made; that outlives this process."""
        self._file.write(_line([photo, crop]))  # at the end, wherever it was read
        self._file.flush()

    def append(self, result):
        """Add the `PhotoResult` of one more photo; it outlives this process."""
        self._file.seek(0, os.SEEK_END)
        self._write(self._file, result)
        self._file.flush()

    def _write(self, file, result):
        self._places[result.photo] = file.tell()
        file.write(_line(result))


def is_journal(path):
    """Whether a file is a journal, by its first line, whatever follows it."""
    try:
        with open(path, "rb") as file:
            _head(file.readline(_MOST_HEAD))
    except (OSError, ValueError, TypeError, RecursionError):
        return False
    return True


def read_journal(path, statuses, settings=None):
    """Yield the `PhotoResult` of a journal; last, with the status `BEGUN`, those of photos that got none.

    A last line that was cut off is left out.

    Args:
        statuses: as `parse_result`.

    Raises:
        OutputError: it is missing or damaged (after all that stands before the damage was yielded), or was begun
            with other settings than these, if they are given.
    """
    begun = {}
    try:
        for result in _read_lines(path, statuses, settings):
            if result.status == BEGUN:
                begun[result.photo] = result
            else:
                begun.pop(result.photo, None)
                yield result
    except OutputError:
        yield from begun.values()
        raise
    yield from begun.values()


def _read_lines(path, statuses, settings):
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}), so no run can be resumed; choose another output"
        ) from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                noted = _head(line) if number == 1 else _result(line, statuses)
            except (ValueError, TypeError, LookupError, RecursionError):
                raise OutputError(
                    f"{path}: line {number}: expected what an alignment noted, found {line[:40]!r}; "
                    "give --overwrite to begin anew"
                ) from None
            if number > 1:
                yield noted
            elif settings is not None:
                _refuse_other(path, noted, json.loads(json.dumps(settings)))


def _refuse_other(path, begun, settings):
    for name, value in settings.items():
        earlier = begun.get(name)
        if earlier != value:
            flag = f"--{name.replace('_', '-')}"
            now = _shown(value) if _has_value(earlier) and _has_value(value) else _with(flag, value)
            raise OutputError(
                f"{path}: the run was begun {_with(flag, earlier)}, not {now}; give the same options to resume it, or "
                "--overwrite to begin anew"
            )


def _has_value(setting):
    return setting is not None and not isinstance(setting, bool)


def _with(flag, setting):
    """How a run was begun, by the command line."""
    if not _has_value(setting):
        return f"with{'' if setting else 'out'} {flag}"
    return f"with {flag} {_shown(setting)}"


def _shown(value):
    """A setting as it stands on the command line."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _head(line):
    """The settings in the first line; one of several errors if it is none."""
    form, settings = json.loads(line)
    if form != _FORMAT:
        raise ValueError
    return dict(settings)


def _result(line, statuses):
    """The `PhotoResult` in a line; one of several errors if it is none."""
    values = json.loads(line)
    return parse_begun(values) if len(values) == 2 else parse_result(values, statuses)


def _line(value):
    return json.dumps(value).encode() + b"\n"
