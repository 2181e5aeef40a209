"""Images of a folder by their paths in a list, for pages that show some of them."""

import os

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_file import read_image


def picture_in(folder, path):
    """The encoded image ``folder/path``, bytes; None where there is none or no folder is given."""
    if folder is None:
        return None
    try:
        return read_image(os.path.join(folder, path))[0]
    except ImageError:
        return None
