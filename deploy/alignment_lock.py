"""One alignment at a time for one output: a lock that ends with the process that holds it, however that ends."""

import contextlib
import os

from insightrec.recordio_tools.errors import OutputError

try:
    import fcntl
except ImportError:  # not POSIX: nothing is locked
    fcntl = None


@contextlib.contextmanager
def only_run(output):
    """Hold the output alone while the ``with`` block runs.

    The lock is on a hidden file beside the journal, which itself is replaced by every run. That file is removed at the
    end; one that a killed run left is nobody's, and is used again. On file systems without locks nothing is locked.

    Args:
        output: `AlignmentOutput`.

    Raises:
        OutputError: another run holds it, or the lock's file cannot be written.
    """
    path = output.journal.with_name(f".{output.journal.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "ab")  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"{output.crops}: cannot be written ({error.strerror}); choose another output") from None
    with file:
        if not _lock(file) or not _is_at(path, file):
            raise OutputError(
                f"{output.crops}: another run is writing {output.crops}; wait for its end, or choose another output"
            )
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _lock(file):
    """Lock an open file for as long as it is open; False where another process holds it."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
    return True


def _is_at(path, file):
    """Whether an open file still stands at its path: a run that ended removed it else, and a third may have begun."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False
