"""The ``.idx`` beside a ``.rec``: one line ``key<TAB>byte offset`` for each record, in write order."""

import os
from pathlib import Path

import numpy as np

from insightrec.recordio_tools.errors import RecordError

_BLOCK = 1 << 18  # bytes parsed at once: the allocator reuses blocks of this size, larger ones are mapped anew
_MAX_DIGITS = 18  # what an int64 surely holds


class RecordIndex:
    """Keys and offsets of a record file as arrays.

    keys, offsets: int64 (N,), in the order of the file. 5.8 million records take about 140 MB with
    the lookup table, where a Python dict takes about a gigabyte, in every process.
    """

    def __init__(self, keys, offsets, source=".idx"):
        self.keys = np.asarray(keys, np.int64)
        self.offsets = np.asarray(offsets, np.int64)
        self.source = str(source)
        if self._build_lookup() < len(self):
            self._refuse_duplicates()

    @classmethod
    def read(cls, path):
        """Read an ``.idx`` file.

        Raises:
            RecordError: a line is not two whole numbers, or a key stands twice.
        """
        table = _read_plain(path)
        if table is None:
            table = _read_by_line(path)
        return cls(table[:, 0], table[:, 1], path)

    def __len__(self):
        return len(self.keys)

    def __contains__(self, key):
        return self._find(key) >= 0

    def offset(self, key):
        """Byte offset of the record ``key``.

        Raises:
            KeyError: the index has no such key.
        """
        offset = self._find(key)
        if offset < 0:
            raise KeyError(f"{self.source}: no record with key {key} among {len(self)} records")
        return offset

    def _find(self, key):
        place = key if self._sorted_keys is None else self._search(key)
        return self._table[place] if 0 <= place < len(self._table) else -1

    def _search(self, key):
        place = int(np.searchsorted(self._sorted_keys, key))
        return place if place < len(self) and self._sorted_keys[place] == key else -1

    def _build_lookup(self):
        """A table by key where keys are dense (all InsightFace sets), else sorted keys to search.

        Returns the number of distinct keys.
        """
        count = len(self)
        if count and self.keys.min() >= 0 and self.keys.max() < 2 * count + 1024:
            table = np.full(int(self.keys.max()) + 1, -1, np.int64)
            table[self.keys] = self.offsets
            self._sorted_keys, distinct = None, np.count_nonzero(table >= 0)
        else:
            order = np.argsort(self.keys, kind="stable")
            self._sorted_keys, table = self.keys[order], self.offsets[order]
            distinct = count - np.count_nonzero(np.diff(self._sorted_keys) == 0)
        self._table = memoryview(table)  # an item of a memoryview is an int, in a quarter of an array's time
        return distinct

    def _refuse_duplicates(self):
        keys, first, counts = np.unique(self.keys, return_index=True, return_counts=True)
        worst = int(np.argmax(counts > 1))
        raise RecordError(
            f"{self.source}: line {first[worst] + 1}: key {keys[worst]} stands {counts[worst]} times, expected once; "
            "write the set again"
        )


def _read_plain(path):
    """The index as int64 (N, 2) if it is as MXNet writes it, else None."""
    with open(path, "rb") as file:
        # Room for as many lines as the file can hold; what is not written never becomes memory.
        table = np.empty((os.fstat(file.fileno()).st_size // len("0\t0\n") + 1, 2), np.int64)
        rows = 0
        while text := file.read(_BLOCK) + file.readline():
            block = _parse(text)
            if block is None:
                return None
            table[rows : rows + len(block)] = block
            rows += len(block)
    return table[:rows]


def _parse(text):
    """Plain whole lines as int64 (lines, 2); None if they are not plain."""
    characters = np.frombuffer(text, np.uint8)
    lines = np.count_nonzero(characters == ord("\n"))
    if np.count_nonzero(characters < ord("0")) != 2 * lines or np.count_nonzero(characters == ord("\t")) != lines:
        return None
    if characters.max() > ord("9"):
        return None
    numbers = np.fromstring(text, np.int64, sep=" ")
    if len(numbers) != 2 * lines or numbers.max() >= 10**_MAX_DIGITS:
        return None
    return numbers.reshape(lines, 2)


def _read_by_line(path):
    """The same for what other tools write (blank lines, spaces, ``\r\n``), and to find the line of an error."""
    rows = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 2 or not all(field.isdigit() and len(field) <= _MAX_DIGITS for field in fields):
                raise RecordError(
                    f"{path}: line {number}: expected 'key<TAB>offset', found {line[:60]!r}; "
                    f"rebuild the index or fetch {Path(path).name} again"
                )
            rows.append((int(fields[0]), int(fields[1])))
    return np.array(rows, np.int64).reshape(-1, 2)
