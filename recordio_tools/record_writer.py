"""Writing ``.rec`` and ``.idx``, byte for byte what MXNet writes for the same records."""

import contextlib
from pathlib import Path

from insightrec.recordio_tools.atomic_file import AtomicFileSet
from insightrec.recordio_tools.record_framing import frame


class RecordWriter:
    """Frames payloads into a record file and notes each one's offset in an index.

    Args:
        record_file, index_file: binary files open for writing, both empty.
    """

    def __init__(self, record_file, index_file):
        self._write_record = record_file.write
        self._write_index = index_file.write
        self.size = 0

    def write(self, key, payload):
        """Append one record.

        Args:
            key: int, what the index calls it.
            payload: bytes, shorter than 2^29 (`record_label.pack_label` makes one for an image).

        Raises:
            RecordError: the payload is too long for the format.
        """
        record = frame(payload)
        self._write_index(b"%d\t%d\n" % (key, self.size))
        self._write_record(record)
        self.size += len(record)


@contextlib.contextmanager
def create_record_file(path, *, overwrite=False):
    """A `RecordWriter` on ``path`` (``.rec``) and the ``.idx`` beside it.

    Both appear, whole, when the block ends without an error; the index last, so that a set cut off
    between the two has none and cannot be taken for whole.

    Raises:
        OutputError: one of the files exists and ``overwrite`` is false.
    """
    path = Path(path)
    with AtomicFileSet([path, path.with_suffix(".idx")], overwrite=overwrite) as (record_file, index_file):
        yield RecordWriter(record_file, index_file)
