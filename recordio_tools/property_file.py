"""The ``property`` file of a record set: ``num_classes,height,width`` on its first non-empty line.

Shuffled sets carry three further lines (count, ``shuffled``, date), which upstream's reader rejects.
"""

from pathlib import Path
from typing import NamedTuple

from insightrec.recordio_tools.errors import RecordError

_MAX_BYTES = 4096
_LIMIT = 1 << 31  # labels are 32-bit numbers


class SetProperty(NamedTuple):
    """Classes, and the size of every image in pixels."""

    num_classes: int
    height: int
    width: int

    def __str__(self):
        return f"{self.num_classes},{self.height},{self.width}"


def read_property(path):
    """Read a ``property`` file (or the one in the folder ``path``).

    Raises:
        RecordError: missing, or the line is not three positive whole numbers below 2^31.
    """
    path = Path(path)
    path = path / "property" if path.is_dir() else path
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        raise RecordError(
            f"{path}: expected a property file, found none; write one: num_classes,height,width"
        ) from None
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != 3 or not all(field.isascii() and field.isdigit() and 0 < int(field) < _LIMIT for field in fields):
        raise RecordError(f"{path}: expected 'num_classes,height,width' such as 85742,112,112, found {line[:60]!r}")
    return SetProperty(*map(int, fields))
