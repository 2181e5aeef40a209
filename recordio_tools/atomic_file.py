"""Files that are written whole or not at all.

Bytes go to a temporary name in the target's own folder, are synced to disk, and only then take the
target's name. A killed run leaves the old file, or the new one, never a part of either; its temporary
file, named after the machine and the process, is removed by the next run on that machine.
"""

import contextlib
import glob
import os
import platform
from pathlib import Path

from insightrec.recordio_tools.errors import OutputError

_BUFFER = 1 << 20  # bytes; records are a few KB each


class AtomicFileSet:
    """Several binary files that appear together when the ``with`` block ends without an error.

    Entering gives the open files in the order of ``paths``. On success all are synced, then renamed
    in that order. Renames are one by one, so name last the file without which the rest is not
    readable (the index of a record set): an old one is removed first and the new one comes last, so
    that a run killed in between leaves no mixture that looks whole.

    Raises:
        OutputError: a path exists and ``overwrite`` is false.
    """

    def __init__(self, paths, *, overwrite=False):
        self._paths = [Path(path) for path in paths]
        self._overwrite = overwrite
        self._files = []

    def __enter__(self):
        refuse_existing(self._paths, self._overwrite)
        try:
            for path in self._paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                _remove_stale(path)
                self._files.append(open(_temporary(path), "wb", buffering=_BUFFER))
        except BaseException:
            self._discard()
            raise
        return self._files

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self._commit()
        finally:
            self._discard()

    def _commit(self):
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        if len(self._paths) > 1:
            self._paths[-1].unlink(missing_ok=True)
        for path in self._paths:
            os.replace(_temporary(path), path)
        for folder in {path.parent for path in self._paths}:
            _sync_folder(folder)

    def _discard(self):
        for file in self._files:
            with contextlib.suppress(OSError):  # a full disk fails again when buffers are flushed
                file.close()
        for path in self._paths:
            _temporary(path).unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_write(path, *, overwrite=False):
    """Open one file for writing bytes; it appears, whole, when the block ends without an error.

    Raises:
        OutputError: ``path`` exists and ``overwrite`` is false.
    """
    with AtomicFileSet([path], overwrite=overwrite) as (file,):
        yield file


def refuse_existing(paths, overwrite):
    """Raise `OutputError` if one of ``paths`` exists and ``overwrite`` is false."""
    existing = [str(path) for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise OutputError(f"{', '.join(existing)}: exists already; choose another output or give --overwrite")


def _temporary(path):
    return path.with_name(f"{_temporary_prefix(path)}{os.getpid()}.tmp")


def _temporary_prefix(path):
    return f".{path.name}.{platform.node()}."


def _remove_stale(path):
    """Remove what killed runs on this machine left of ``path``."""
    if os.name != "posix":  # elsewhere signal 0 is no harmless question
        return
    for left in path.parent.glob(glob.escape(_temporary_prefix(path)) + "*.tmp"):
        try:
            os.kill(int(left.name.split(".")[-2]), 0)
        except (ProcessLookupError, ValueError, OverflowError):
            left.unlink(missing_ok=True)
        except PermissionError:  # it runs, as somebody else
            continue


def _sync_folder(folder):
    """Make renames in ``folder`` durable, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
