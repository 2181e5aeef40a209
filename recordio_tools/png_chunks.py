"""The chunks of a PNG (ISO/IEC 15948, clause 5), from its head to the end of its picture."""

from typing import NamedTuple

HEAD = b"\x89PNG\r\n\x1a\n"
END, ANIMATION = b"IEND", b"acTL"


class Chunk(NamedTuple):
    """A chunk's kind, and where it begins and ends, with length, kind and checksum."""

    kind: bytes
    start: int
    stop: int


def chunks(png):
    """Yield every `Chunk` of a PNG (bytes) that is there whole, the last one `END` unless the picture is cut short."""
    kind, stop = None, len(HEAD)
    while kind != END:
        start, kind = stop, png[stop + 4 : stop + 8]
        stop = start + 12 + int.from_bytes(png[start : start + 4], "big")
        if stop > len(png):
            return
        yield Chunk(kind, start, stop)


def still(png):
    """A PNG as it is, but an animated one without the mark that makes OpenCV 5 show the animation's first picture."""
    if ANIMATION not in png:
        return png
    return HEAD + b"".join(png[start:stop] for kind, start, stop in chunks(png) if kind != ANIMATION)
