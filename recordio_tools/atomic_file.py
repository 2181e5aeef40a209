"""Files that are written whole or not at all.

Bytes go to a temporary name in the target's own folder, are synced to disk, and only then take the
target's name. A killed run leaves the old file, or the new one, never a part of either.
"""

import contextlib
import os
from pathlib import Path

from insightrec.recordio_tools.errors import OutputError


def refuse_existing(paths, overwrite):
    """Raise `OutputError` if any of ``paths`` exists and ``overwrite`` is false."""
    existing = [str(path) for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise OutputError(f"{', '.join(existing)}: exists already; choose another output or give --overwrite")


class AtomicFile:
    """A binary file under a temporary name, to be committed or discarded by whoever opened it.

    ``file`` is the open file object. `sync` makes the bytes durable, `rename` gives them the
    target's name; `discard` removes them. Several files of one set are all synced before the first
    is renamed.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        self.file = open(self._temporary, "wb", buffering=1 << 20)  # noqa: SIM115 - closed by sync or discard

    def sync(self):
        """Flush, sync to disk and close."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def rename(self):
        """Give the synced bytes their name, replacing what is there."""
        os.replace(self._temporary, self.path)
        sync_folder(self.path.parent)

    def discard(self):
        """Close and remove the temporary file."""
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            self._temporary.unlink()


@contextlib.contextmanager
def atomic_write(path, *, overwrite=False):
    """Open ``path`` for writing bytes; it appears, whole, when the block ends without an error.

    Raises:
        OutputError: ``path`` exists and ``overwrite`` is false.
    """
    refuse_existing([path], overwrite)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    target = AtomicFile(path)
    try:
        yield target.file
        target.sync()
        target.rename()
    except BaseException:
        target.discard()
        raise


def sync_folder(folder):
    """Make renames in ``folder`` durable (a no-op where folders cannot be synced)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
