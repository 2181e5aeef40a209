"""A photo of a data set of the MegaFace protocol, before it is aligned."""

from typing import NamedTuple, Optional

from insightrec.megaface.face_guide import FaceGuide


class ProtocolPhoto(NamedTuple):
    """source: path of the photo. target: path of its crop relative to the output folder, with ``/``.
    label: number of the person's or user's folder. guide: where its face is; None if a JSON file beside it says so.
    """

    source: str
    target: str
    label: int
    guide: Optional[FaceGuide] = None

    @property
    def photo(self):
        """What a run calls it: its crop's path, which stays where the folder of photos is moved."""
        return self.target

    crop = photo


def photo_order(target):
    """Sort key (str) of a crop's path: by folder, then by name; a folder's files come before those of folders in it."""
    folder, _, name = target.rpartition("/")
    return folder.replace("/", "\1") + "\0" + name  # both sort before what names consist of
