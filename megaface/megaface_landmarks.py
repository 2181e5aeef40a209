"""What MegaFace and FG-NET say of a photo, in the JSON file beside it (``1.jpg.json`` for ``1.jpg``).

``bounding_box`` is an object of ``x``, ``y``, ``width`` and ``height``; ``landmarks`` an object of three points
``{"x": .., "y": ..}``. Either may be absent.
"""

import json
import reprlib

from insightrec.megaface.face_guide import FaceGuide, to_box, to_points

_MAX_BYTES = 1 << 20  # real ones have some hundred
_POINTS = ("1", "0", "2")  # left eye, right eye, nose, as seen


def read_guide(path):
    """The `FaceGuide` of a photo's JSON file; what is wrong with the file is its ``fault``."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        return FaceGuide(fault=f"{path}: expected the box and landmarks of the photo, found: {error.strerror}")
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        content = json.loads(data)
        if not isinstance(content, dict):
            raise ValueError("another value")
    except (ValueError, RecursionError) as error:
        return FaceGuide(fault=f"{path}: expected a JSON object, found none ({error})")
    found, faults = {}, []
    for name, to_array in (("bounding_box", _box), ("landmarks", _points)):
        try:
            found[name] = to_array(content[name]) if content.get(name) else None
        except (ValueError, KeyError, TypeError, OverflowError):
            found[name] = None
            faults.append(f"expected numbers of pixels in {name}, found {reprlib.repr(content[name])}")
    return FaceGuide(found["bounding_box"], found["landmarks"], f"{path}: {'; '.join(faults)}" if faults else "")


def _box(entry):
    x, y = entry["x"], entry["y"]
    return to_box(x, y, x + entry["width"] - 1, y + entry["height"] - 1)


def _points(entry):
    return to_points([(entry[name]["x"], entry[name]["y"]) for name in _POINTS])
