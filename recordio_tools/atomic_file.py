"""Files that are written whole or not at all.

Bytes go to a temporary name in the target's own folder, are synced to disk, and only then take the
target's name. A killed run leaves the old file, or the new one, never a part of either; its temporary
file is removed by the next run. A temporary file is locked while it is being written, which is how the
next run tells it from one that was left behind.
"""

import contextlib
import glob
import hashlib
import os
from pathlib import Path

from insightrec.recordio_tools.errors import OutputError

try:
    import fcntl
except ImportError:  # not POSIX: nothing is locked, and what killed runs left stays
    fcntl = None

_BUFFER = 1 << 20  # bytes; records are a few KB each


class AtomicFileSet:
    """Several binary files that appear together when the ``with`` block ends without an error.

    Entering gives the open files in the order of ``paths``. On success all are synced, then renamed
    in that order. Renames are one by one, so name last the file without which the rest is not
    readable (the index of a record set): an old one is removed first and the new one comes last, so
    that a run killed in between leaves no mixture that looks whole.

    Raises:
        OutputError: a path exists and ``overwrite`` is false, is no regular file, or cannot be written.
    """

    def __init__(self, paths, *, overwrite=False):
        self._paths = [Path(path) for path in paths]
        self._overwrite = overwrite
        self._files = []
        self._renaming = False

    def __enter__(self):
        refuse_existing(self._paths, self._overwrite)
        try:
            for path in self._paths:
                if path.exists() and not path.is_file():
                    raise OutputError(f"{path}: expected a file or nothing, found a folder; choose another output")
                self._files.append(_open_temporary(path))
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
            if fcntl is None:  # an open file cannot be renamed there; elsewhere its lock is held until it has its name
                file.close()
        self._renaming = True
        if len(self._paths) > 1:
            self._paths[-1].unlink(missing_ok=True)
        for path in self._paths:
            os.replace(_temporary(path), path)
        self._renaming = False
        for folder in {path.parent for path in self._paths}:
            _sync_folder(folder)

    def _discard(self):
        for file in self._files:
            with contextlib.suppress(OSError):  # a full disk fails again when buffers are flushed
                file.close()
        if not self._renaming:  # else a rename failed: the temporary files are whole, and the old ones are gone
            for path in self._paths[: len(self._files)]:
                _temporary(path).unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_write(path, *, overwrite=False):
    """Open one file for writing bytes; it appears, whole, when the block ends without an error.

    Raises:
        OutputError: as `AtomicFileSet`.
    """
    with AtomicFileSet([path], overwrite=overwrite) as (file,):
        yield file


def write_quickly(path, data):
    """Write one of very many small files, replacing an old one: whole or not at all if the run is killed.

    Without the sync to disk that `atomic_write` spends on each: when the machine itself stops, the last ones may
    be lost. Folders are made as needed. What a killed run left is replaced when the same file is written again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, since a file's own name may be as long as the system allows, and the same when a killed run is continued.
    temporary = path.with_name(f".{hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def refuse_existing(paths, overwrite):
    """Raise `OutputError` if one of ``paths`` exists and ``overwrite`` is false."""
    existing = [str(path) for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise OutputError(f"{', '.join(existing)}: exists already; choose another output or give --overwrite")


def _temporary(path):
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _open_temporary(path):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        file = open(_temporary(path), "wb", buffering=_BUFFER)  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another output") from None
    _lock(file)
    return file


def _remove_stale(path):
    """Remove what killed runs left of ``path``: temporary files that nobody holds locked."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            if _lock(file):
                left.unlink()


def _lock(file):
    """Lock an open file for as long as it is open; False where another process holds it, or there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync_folder(folder):
    """Make renames in ``folder`` durable, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
