"""The text of the devkit's result files, ``cmc_*.json`` and ``matches_*.json``, byte for byte.

That is how jsoncpp 0.x styles JSON: tabs, a new line before every bracket that is not closed on its line, short arrays
on one line, 16 significant digits. Any JSON reader reads it.
"""

import json
import math

import numpy as np

_MARGIN = 74  # columns; an array on one line stays below them
_NONE = type(None)


def to_devkit_json(value):
    """The bytes of ``value``: a dict with names as keys, a list, tuple or array, a number, or None, nested.

    The devkit's numbers are float32; ``tolist()`` of such an array, or of anything here, widens them as it does.

    Raises:
        TypeError: a value of another type.
        ValueError: a number that is infinite or not a number.
    """
    parts = []
    _write(value, "\n", parts.append)
    parts.append("\n")
    return "".join(parts).encode("ascii")


def _write(value, indent, put):
    """Put the text of ``value``; ``indent`` is a line break and the tabs of the line that ``value`` stands on."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    inner = indent + "\t"
    if isinstance(value, dict) and value:
        put(f"{indent}{{")
        for position, key in enumerate(sorted(value)):
            put(f"{',' if position else ''}{inner}{json.dumps(key)} : ")
            _write(value[key], inner, put)
        put(f"{indent}}}")
    elif not _is_filled(value):
        put(_text(value))
    elif any(map(_is_filled, value)):
        put(f"{indent}[")
        for position, element in enumerate(value):
            put(f"{',' if position else ''}{inner}")
            _write(element, inner, put)
        put(f"{indent}]")
    else:
        texts = [_text(element) for element in value]
        line = f"[ {', '.join(texts)} ]"
        if len(line) < _MARGIN:
            put(line)
        else:
            put(f"{indent}[{inner}{f',{inner}'.join(texts)}{indent}]")


def _is_filled(value):
    """Whether ``value`` is a container that is not empty."""
    return isinstance(value, (dict, list, tuple, np.ndarray)) and len(value) > 0


def _text(value):
    """A number, None or an empty container."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, (_NONE, dict)):
        return "null" if value is None else "{}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[]"
    raise TypeError(f"expected numbers, None, lists and dicts, found {type(value).__name__}")


def _real(value):
    """16 significant digits without the zeros at the end but one; with an exponent all of them stay."""
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {value}")
    text = format(value, "#.16g")
    return text.rstrip("0") + "0" if text.endswith("0") and "e" not in text else text
