"""Image files to pixels, with bounds on what is read."""

import os
import stat
from pathlib import Path

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_gray, decode_rgb
from insightrec.recordio_tools.record_framing import MAX_LENGTH


def read_image(path, gray=False):
    """A whole image file: ``(data, image)``, its bytes and its pixels, uint8.

    Pixels are RGB (H, W, 3), or with ``gray`` the luma (H, W).

    Raises:
        ImageError: the file cannot be read or decoded, is no regular file, or too large for a record.
    """
    try:
        status = os.stat(path)  # before opening: a pipe would block, and a device never end
        readable = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_LENGTH
        data = Path(path).read_bytes() if readable else None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: cannot be read ({reason}); correct the list or the folder") from None
    if data is None:
        found = f"{status.st_size} bytes" if stat.S_ISREG(status.st_mode) else "something else"
        raise ImageError(
            f"{path}: expected a regular file of at most {MAX_LENGTH} bytes, found {found}; "
            "correct the list or the folder"
        )
    return data, (decode_gray if gray else decode_rgb)(data, path)
