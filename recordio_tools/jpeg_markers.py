"""The markers of a JPEG (ITU-T T.81, annex B), from its head to the end of its picture.

What follows that end is not looked at: the film of a motion photo, a second picture, padding.
"""

import re
from typing import NamedTuple

HEAD, END = b"\xff\xd8", b"\xff\xd9"
APP1, SCAN = 0xE1, 0xDA

# A marker is 0xff and one of these bytes: within a scan 0xff is followed by 0x00 or by the number of a restart, and
# any run of 0xff may stand before a marker. What stands between segments is passed over, as libjpeg does.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END = END[1]
_ALONE = (0x01, HEAD[1], _END)  # markers without a segment


class Segment(NamedTuple):
    """A marker's second byte, and where the body behind its length begins and ends."""

    marker: int
    start: int
    stop: int


def segments(jpeg):
    """Yield the `Segment` of every marker of a JPEG (bytes), the last one `END`'s unless the picture is cut short."""
    position = len(HEAD)
    while True:
        found = _MARKER.search(jpeg, position)
        if found is None:
            return
        marker, start = jpeg[found.end() - 1], found.end()
        if marker in _ALONE:
            stop = start
        else:
            start, stop = start + 2, start + int.from_bytes(jpeg[start : start + 2], "big")
            if not start <= stop <= len(jpeg):
                return
        yield Segment(marker, start, stop)
        if marker == _END:
            return
        position = stop
