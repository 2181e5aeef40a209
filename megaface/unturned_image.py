"""A photo as its pixels are stored, not turned upright.

MegaFace's, FG-NET's and FaceScrub's boxes and landmarks are in such pixels: the tools of their time did not look at
EXIF.
"""

from insightrec.recordio_tools import jpeg_markers
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.image_orientation import exif_orientation, upright

_BACK = {6: 8, 8: 6}  # a quarter turn is undone by the opposite one; the other orientations undo themselves


def read_unturned(path):
    """The pixels of an image file, uint8 RGB (H, W, 3); a JPEG's without regard to its EXIF orientation.

    Raises:
        ImageError: as `read_image`.
    """
    data, image = read_image(path)
    orientation = exif_orientation(data) if data.startswith(jpeg_markers.HEAD) else None
    return upright(image, _BACK.get(orientation, orientation))
