"""The ``.idx`` beside a ``.rec``: one line ``key<TAB>byte offset`` for each record, in write order."""

import mmap
import os
import warnings

import numpy as np

from insightrec.recordio_tools.errors import RecordError

_BLOCK = 1 << 18  # bytes parsed at once: the allocator reuses blocks of this size, larger ones are mapped anew
_SHORTEST_LINE = len("0\t0\n")
_MAX_DIGITS = 18  # what an int64 surely holds


class RecordIndex:
    """Where each record begins, by key.

    Holds two arrays, about 70 MB for 5.8 million records, where a Python dict takes about a gigabyte in
    every process.

    Args:
        keys, offsets: (N,) whole numbers of 0 and more, in the order of the file.
        source: what to call the index in an error.

    Raises:
        RecordError: a key stands twice.
    """

    def __init__(self, keys, offsets, source=".idx"):
        self.keys = np.asarray(keys, np.int64)
        self.source = str(source)
        offsets = np.asarray(offsets, np.int64)
        if len(self) and self.keys.max() < 2 * len(self) + 1024:
            self._sorted_keys = None
            table = np.zeros(int(self.keys.max()) + 1, np.int64)
            table[self.keys] = offsets + 1
        else:
            order = np.argsort(self.keys, kind="stable")
            self._sorted_keys, table = self.keys[order], offsets[order] + 1
        self._set_table(table)

    @classmethod
    def read(cls, path):
        """Read an ``.idx`` file.

        Raises:
            RecordError: a line is not two whole numbers, or a key stands twice.
        """
        return cls._read_plain(path) or cls(*_read_by_line(path), path)

    @classmethod
    def _read_plain(cls, path):
        """Read an index as MXNet writes it, with dense keys as all InsightFace sets have; None if it is another."""
        index = cls([], [], path)
        # Room for as many lines as the file can hold; what is not written never becomes memory.
        room = os.path.getsize(path) // _SHORTEST_LINE + 1
        keys, table = np.empty(room, np.int32), np.zeros(room, np.int64)
        count, newest = 0, -1
        for text in _blocks(path):
            lines = _parse(text)
            if lines is None or (largest := int(lines[:, 0].max())) >= room:
                return None
            keys[count : count + len(lines)] = lines[:, 0]
            table[lines[:, 0]] = lines[:, 1] + 1
            count, newest = count + len(lines), max(newest, largest)
        index.keys, index._sorted_keys = keys[:count], None
        index._set_table(table[: newest + 1])
        return index

    def _set_table(self, table):
        """``table``: offset + 1 by key (0 where there is none), or in the order of the sorted keys."""
        self._table = memoryview(table)  # an item of a memoryview is an int, in a quarter of an array's time
        found = table if self._sorted_keys is None else np.diff(self._sorted_keys, prepend=-1)
        if np.count_nonzero(found) < len(self):
            self._refuse_duplicates()

    def __len__(self):
        return len(self.keys)

    def __contains__(self, key):
        place = self._place(key)
        return 0 <= place < len(self._table) and self._table[place] > 0

    @property
    def offsets(self):
        """Byte offsets of the records, int64 (N,), in the order of ``keys``."""
        places = self.keys if self._sorted_keys is None else np.searchsorted(self._sorted_keys, self.keys)
        return np.asarray(self._table)[places] - 1

    @property
    def last_offset(self):
        """The largest offset; -1 in an empty index."""
        return int(np.asarray(self._table).max(initial=0)) - 1

    def offset(self, key):
        """Byte offset of the record ``key``.

        Raises:
            KeyError: the index has no such key.
        """
        place = key if self._sorted_keys is None else self._place(key)  # no call where there need be none
        if 0 <= place < len(self._table) and (stored := self._table[place]):
            return stored - 1
        raise KeyError(f"{self.source}: no record with key {key} among {len(self)} records")

    def _place(self, key):
        """Where ``key`` stands in the table; -1 if the sorted keys lack it."""
        if self._sorted_keys is None:
            return key
        place = int(np.searchsorted(self._sorted_keys, key))
        return place if place < len(self) and self._sorted_keys[place] == key else -1

    def _refuse_duplicates(self):
        keys, first, counts = np.unique(self.keys, return_index=True, return_counts=True)
        worst = int(np.argmax(counts > 1))
        raise RecordError(
            f"{self.source}: line {first[worst] + 1}: key {keys[worst]} stands {counts[worst]} times, expected once; "
            "write the set again"
        )


def _blocks(path):
    """Yield the file's text in blocks of whole lines."""
    if os.path.getsize(path) == 0:  # cannot be mapped
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        start = 0
        while start < len(text):
            end = text.find(b"\n", start + _BLOCK) + 1 or len(text)
            yield text[start:end]
            start = end


def _parse(text):
    """Whole lines as int64 (lines, 2); None if they are not two whole numbers each."""
    last_line = text[text.rfind(b"\n", 0, -1) + 1 :]
    try:
        with warnings.catch_warnings():  # NumPy raises at what is no number; before 2.3 it warns
            warnings.simplefilter("error", DeprecationWarning)
            numbers = np.fromstring(text, np.int64, sep=" ")
        ends_in_step = len(numbers) > 1 and numbers[-2:].tolist() == list(map(int, last_line.split()))
    except (ValueError, DeprecationWarning):
        return None
    # A line of one or three numbers leaves the last line out of step; as unsigned numbers, negative ones are large.
    if len(numbers) % 2 or not ends_in_step or numbers.view(np.uint64).max() >= 10**_MAX_DIGITS:
        return None
    return numbers.reshape(-1, 2)


def _read_by_line(path):
    """``(keys, offsets)`` of what other tools write (spaces, blank lines, ``\\r\\n``, sparse keys)."""
    rows = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 2 or not all(field.isdigit() and len(field) <= _MAX_DIGITS for field in fields):
                raise RecordError(
                    f"{path}: line {number}: expected 'key<TAB>offset', found {line[:60]!r}; "
                    "write the set again, or copy its index again"
                )
            rows.append((int(fields[0]), int(fields[1])))
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
