"""Encoded images that were cut short, found before a decoder fills in what is missing."""

from insightrec.recordio_tools import jpeg_markers, png_chunks
from insightrec.recordio_tools.errors import ImageError

# Each scan of a JPEG costs a pass over all pixels, and a photo has at most a dozen.
_MOST_SCANS = 500
_SMALL = 1 << 14  # bytes of a JPEG that has no room for many scans, as aligned faces are


def check_whole(data, source):
    """Raise `ImageError` if an image (bytes-like) is empty, a JPEG or PNG without its end, or a JPEG of endless scans.

    OpenCV decodes a JPEG that was cut short to a picture with a gray lower part, without an error, and makes room for
    all the bytes that a PNG's chunk declares, up to 4 GB. Bytes after the end are allowed: telephones put films there.
    """
    data = bytes(data)
    if not data:
        raise not_an_image(data, source)
    if data.startswith(jpeg_markers.HEAD):
        is_whole = (len(data) <= _SMALL and data.endswith(jpeg_markers.END)) or _reaches_end(data, source)
    elif data.startswith(png_chunks.HEAD):
        is_whole = any(chunk.kind == png_chunks.END for chunk in png_chunks.chunks(data))
    else:
        return
    if not is_whole:
        raise ImageError(f"{source}: image is cut short after {len(data)} bytes; replace or remove this image")


def not_an_image(data, source):
    """The `ImageError` of bytes that no decoder takes."""
    found = f"{len(data)} bytes beginning {bytes(data[:8]).hex(' ')}" if len(data) else "0 bytes"
    return ImageError(f"{source}: expected an image, found {found}; replace or remove this image")


def _reaches_end(jpeg, source):
    scans, segment = 0, None
    for segment in jpeg_markers.segments(jpeg):
        scans += segment.marker == jpeg_markers.SCAN
        if scans > _MOST_SCANS:
            raise ImageError(
                f"{source}: expected a JPEG of at most {_MOST_SCANS} scans, found more; replace or remove this image"
            )
    return segment is not None and segment.marker == jpeg_markers.END[1]
