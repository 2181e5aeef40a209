"""The ``.idx`` beside a ``.rec``: one line ``key<TAB>byte offset`` for each record, in write order."""

from pathlib import Path

import numpy as np

from insightrec.recordio_tools.errors import RecordError

_BLOCK = 1 << 19  # text parsed at once: small enough to stay in the processor's cache
_MAX_DIGITS = 18  # what an int64 surely holds
_PLAIN = b"0123456789\t\n"


class RecordIndex:
    """Keys and offsets of a record file as arrays.

    keys, offsets: int64 (N,), in the order of the file. 5.8 million records take about 140 MB with
    the lookup table, where a Python dict takes about a gigabyte, in every process.
    """

    def __init__(self, keys, offsets, source=".idx"):
        self.keys = np.asarray(keys, np.int64)
        self.offsets = np.asarray(offsets, np.int64)
        self.source = str(source)
        self._check_distinct(*self._build_lookup())

    @classmethod
    def read(cls, path):
        """Read an ``.idx`` file.

        Raises:
            RecordError: a line is not two whole numbers, or a key stands twice.
        """
        blocks, rest, lines = [], b"", 0
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                cut = block.rfind(b"\n") + 1
                if cut:
                    blocks.append(_parse(rest + block[:cut], path, lines))
                    lines += len(blocks[-1])
                    rest = b""
                rest += block[cut:]
        if rest:
            blocks.append(_parse(rest + b"\n", path, lines))
        table = np.concatenate(blocks) if blocks else np.empty((0, 2), np.int64)
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
        if self._sorted_keys is None:
            return int(self._table[key]) if 0 <= key < len(self._table) else -1
        place = int(np.searchsorted(self._sorted_keys, key))
        found = place < len(self._sorted_keys) and self._sorted_keys[place] == key
        return int(self._table[place]) if found else -1

    def _build_lookup(self):
        """A table by key where keys are dense (all InsightFace sets), else sorted keys to search."""
        count = len(self.keys)
        dense = count > 0 and self.keys.min() >= 0 and self.keys.max() < 2 * count + 1024
        if dense:
            self._sorted_keys = None
            self._table = np.full(int(self.keys.max()) + 1, -1, np.int64)
            self._table[self.keys] = self.offsets
            return count, int(np.count_nonzero(self._table >= 0))
        order = np.argsort(self.keys, kind="stable")
        self._sorted_keys, self._table = self.keys[order], self.offsets[order]
        return count, count - int(np.count_nonzero(np.diff(self._sorted_keys) == 0))

    def _check_distinct(self, records, distinct):
        if distinct == records:
            return
        keys, first, counts = np.unique(self.keys, return_index=True, return_counts=True)
        worst = int(np.argmax(counts > 1))
        raise RecordError(
            f"{self.source}: line {first[worst] + 1}: key {keys[worst]} stands {counts[worst]} times, expected once; "
            "write the set again"
        )


def _parse(text, path, lines_before):
    """Text of whole lines to an int64 array (lines, 2)."""
    characters = np.frombuffer(text, np.uint8)
    lines = np.count_nonzero(characters == ord("\n"))
    if np.count_nonzero(characters == ord("\t")) == lines and not text.translate(None, _PLAIN):
        numbers = np.fromstring(text, np.int64, sep=" ")
        if len(numbers) == 2 * lines and numbers.max() < 10**_MAX_DIGITS:
            return numbers.reshape(lines, 2)
    return _parse_by_line(text, path, lines_before)


def _parse_by_line(text, path, lines_before):
    """The same for text that other tools wrote (blank lines, spaces, ``\\r\\n``), with the place of an error."""
    rows = []
    for number, line in enumerate(text.split(b"\n")[:-1], lines_before + 1):
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
