"""Reading ``.rec`` files: memory-mapped, by offset, in sequence, or by key through the ``.idx``."""

import mmap
import os
from pathlib import Path

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.record_framing import unframe
from insightrec.recordio_tools.record_index import RecordIndex


class RecordFile:
    """A ``.rec`` file, read where it lies.

    Payloads are memoryviews into the map (bytes only where a split record had to be rejoined); they
    stay valid as long as they are held. There is no file position, so threads share one object;
    after a fork children share the map, and a pickled copy opens the file anew.

    Raises:
        RecordError: the file is missing or empty; when reading, that it is damaged at that place.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            with open(self.path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size == 0:
                    raise RecordError(f"{self.path}: expected records, found an empty file; copy or build it again")
                self.view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (FileNotFoundError, IsADirectoryError):
            raise RecordError(f"{self.path}: expected a record file, found none; check the path") from None

    @property
    def size(self):
        """Bytes in the file."""
        return len(self.view)

    def read_at(self, offset):
        """Payload of the record whose head stands at byte ``offset``."""
        return unframe(self.view, offset, self.path)[0]

    def scan(self):
        """Yield ``(offset, payload)`` of every record in the order of the file; no index is needed."""
        offset = 0
        while offset < self.size:
            payload, end = unframe(self.view, offset, self.path)
            yield offset, payload
            offset = end

    def __reduce__(self):
        return type(self), (self.path,)


class IndexedRecordFile(RecordFile):
    """A ``.rec`` file with the ``.idx`` of the same stem beside it, read by key.

    Raises:
        RecordError: as `RecordFile`; the index is missing, unreadable or points past the end.
    """

    def __init__(self, path):
        super().__init__(path)
        index_path = self.path.with_suffix(".idx")
        if not index_path.is_file():
            raise RecordError(
                f"{index_path}: expected the index of {self.path.name}, found none; copy it too, or build the set again"
            )
        self.index = RecordIndex.read(index_path)
        if len(self.index) == 0:
            raise RecordError(f"{index_path}: expected 'key<TAB>offset' lines, found none; copy or build the set again")
        if self.index.last_offset >= self.size:
            raise RecordError(
                f"{index_path}: offset {self.index.last_offset} lies past the end of {self.path.name} ({self.size} "
                "bytes); the .rec is cut short or the .idx belongs to another file"
            )

    def __len__(self):
        return len(self.index)

    def read(self, key):
        """Payload of the record ``key``.

        Raises:
            KeyError: no such key. RecordError: the file is damaged there.
        """
        return unframe(self.view, self.index.offset(key), self.path)[0]
