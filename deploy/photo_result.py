"""What became of one photo that was to be aligned: what a journal holds of it, and the checks when it is read."""

import os
from typing import NamedTuple, Optional

BEGUN = "begun"  # status of a photo whose crop may be there, whole, though nothing more is known of it
_TOLD_APART = ("faces", "score", "box", "landmarks", "crop")  # which of these are known depends on the status
_MOST = 1 << 30  # of any number, either way: pixels, bytes of a crop


class PhotoResult(NamedTuple):
    """What became of one photo; None and "" are what is not known. All of it can stand in JSON."""

    photo: str  # what the run calls it, as no other
    stamp: Optional[list]  # of what the crop was made from; another one later means that it was changed
    status: str
    reason: str = ""  # why there is no crop of a face
    height: Optional[int] = None  # pixels, upright
    width: Optional[int] = None
    faces: Optional[int] = None  # found
    score: Optional[float] = None
    box: Optional[list] = None  # x1, y1, x2, y2
    landmarks: Optional[list] = None  # 5 of [x, y]
    crop: str = ""  # path below the output folder
    crop_bytes: int = 0
    fault: str = ""  # what could not be used, naming the file: a run may stop at it, and a later one tries it again


def parse_result(values, statuses):
    """The `PhotoResult` of what JSON gave for one.

    Args:
        values: what `json.loads` gave, of an untrusted file.
        statuses: dict of status to the names that are known with it, of faces, score, box, landmarks and crop.

    Raises:
        ValueError, TypeError, LookupError: it is none; or its crop lies outside the output folder.
    """
    result = PhotoResult(*values)
    for text in (result.photo, result.status, result.reason, result.crop, result.fault):
        os.fsencode(text)  # refuses other types, and what no name of a file holds
    sizes = (result.height, result.width, result.faces)
    if not (
        isinstance(result.stamp, (list, type(None)))
        and all(size is None or _is_number(size, int) for size in sizes)
        and _is_number(result.crop_bytes, int)
        and (result.score is None or _is_number(result.score))
        and (result.box is None or _are_numbers(result.box, 4))
        and (result.landmarks is None or (isinstance(result.landmarks, list) and len(result.landmarks) == 5))
        and all(_are_numbers(point, 2) for point in result.landmarks or ())
        and (not result.crop or _is_below(result.crop))
        and {name for name in _TOLD_APART if getattr(result, name) not in (None, "")} == set(statuses[result.status])
    ):
        raise ValueError
    return result


def parse_begun(values):
    """The `PhotoResult` of a photo that was begun, of its name and its crop's path; raises as `parse_result`."""
    photo, crop = values
    return parse_result(PhotoResult(photo, None, BEGUN, crop=crop), {BEGUN: ("crop",)})


def _is_number(value, *types):
    return type(value) in (types or (int, float)) and -_MOST < value < _MOST


def _are_numbers(values, count):
    return isinstance(values, list) and len(values) == count and all(map(_is_number, values))


def _is_below(path):
    """Whether a path leads to a file below the folder that it begins at."""
    return "\0" not in path and not path.startswith("/") and not path.endswith("/") and ".." not in path.split("/")
