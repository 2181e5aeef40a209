"""Which images belong to which identity, as an indexed record set stores it: pairs of float32.

A float32 holds every whole number only up to 2^24. Beyond it a boundary may have been rounded, so
several whole numbers can stand behind one stored value; the image labels decide which it was.
"""

import numpy as np

from insightrec.recordio_tools.errors import RecordError

EXACT_FLOAT32 = 1 << 24


def float32_sources(stored):
    """The whole numbers that become ``stored`` (int) when kept as float32; one below `EXACT_FLOAT32`."""
    reach = int(np.spacing(np.float32(stored)))
    return [number for number in range(stored - reach, stored + reach + 1) if int(np.float32(number)) == stored]


def rounded_by_float32(numbers):
    """Those of ``numbers`` (integers) that float32 cannot hold, as an int64 array."""
    numbers = np.asarray(numbers, np.int64)
    return numbers[numbers.astype(np.float32).astype(np.int64) != numbers]


def exact_boundaries(stored, begins_identity, source):
    """Undo float32's rounding of the boundaries between consecutive identities.

    Args:
        stored: int64 (n,), ascending, as read from the file.
        begins_identity: function of a key, whether another identity begins there.
        source: what to call the set in an error.

    Returns:
        int64 (n,): the true boundaries.

    Raises:
        RecordError: the labels do not settle it.
    """
    exact = np.array(stored, np.int64)
    values, first, counts = np.unique(exact, return_index=True, return_counts=True)
    for value, begin, count in zip(values.tolist(), first.tolist(), counts.tolist()):
        if value < EXACT_FLOAT32:
            continue
        changes = [key for key in float32_sources(value) if begins_identity(key)]
        if len(changes) != count:
            raise RecordError(
                f"{source}: identity boundary {value} is above 2^24, where float32 rounds: expected {count} "
                f"label changes at the keys it can stand for, found {len(changes)}; build the set again"
            )
        exact[begin : begin + count] = changes
    return exact


def check_ranges(ranges, image_count, source):
    """Raise `RecordError` unless every ``[a, b)`` of ``ranges`` (n, 2) lies within keys 1..image_count."""
    wrong = np.flatnonzero((ranges[:, 0] < 1) | (ranges[:, 0] > ranges[:, 1]) | (ranges[:, 1] > image_count + 1))
    if len(wrong):
        raise RecordError(
            f"{source}: identity {wrong[0]}: expected an image range within keys 1 to {image_count}, "
            f"found {ranges[wrong[0]].tolist()}; build the set again"
        )


def refuse_rounded(boundaries, source):
    """Raise `RecordError` if float32 cannot hold one of ``boundaries`` (integers)."""
    rounded = rounded_by_float32(boundaries)
    if len(rounded):
        raise RecordError(
            f"{source}: identity boundary {rounded[0]} is above 2^24 and float32, which the format uses, rounds it; "
            "give --allow-rounded-ranges (this toolkit reads such a set correctly, others do not) "
            "or write several smaller sets"
        )
