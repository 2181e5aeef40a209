"""What a record set holds, and what is wrong with it."""

import collections
import warnings

import numpy as np
from tqdm import tqdm

from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.face_record_set import class_of
from insightrec.recordio_tools.image_header import read_image_header
from insightrec.recordio_tools.image_wholeness import check_whole
from insightrec.recordio_tools.record_framing import unframe

MAX_LISTED = 5  # damaged images named one by one; the rest are counted


def inspect_set(faces, positions):
    """Describe a record set.

    Args:
        faces: `FaceRecordSet`.
        positions: ascending positions of the images to look into; the structure is read whole.

    Returns:
        dict ready for JSON: ``path``, ``bytes``, ``layout``, ``images``, ``identities``, ``classes``,
        ``property``, ``label_dialects``, ``image_formats``, ``image_sizes``, ``images_per_identity``,
        ``looked_at``, ``warnings``. ``images_per_identity`` is None for a part of a flat set, which
        does not tell it.
    """
    seen = _look_into(faces, positions)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ranges = faces.identity_ranges if faces.is_indexed else None
    notes = [str(warning.message) for warning in caught]
    notes += seen.damaged[:MAX_LISTED]
    if len(seen.damaged) > MAX_LISTED:
        notes.append(f"{len(seen.damaged) - MAX_LISTED} further damaged images")
    notes += _label_notes(faces, ranges, seen)
    notes += _structure_notes(faces, ranges)
    classes, images_of_class = np.unique(seen.classes, return_counts=True)
    if faces.is_indexed:
        sizes = np.diff(ranges, axis=1).ravel()
    else:
        sizes = images_of_class if len(positions) == len(faces) else np.zeros(0, np.int64)
    return {
        "path": str(faces.path),
        "bytes": faces.records.size,
        "layout": "indexed" if faces.is_indexed else "flat",
        "images": len(faces),
        "identities": faces.num_identities if faces.is_indexed else None,
        "classes": len(classes),
        "property": None if faces.image_size is None else [faces.num_classes, *faces.image_size],
        "label_dialects": dict(seen.dialects.most_common()),
        "image_formats": dict(seen.formats.most_common()),
        "image_sizes": dict(seen.sizes.most_common()),
        "images_per_identity": _distribution(sizes[sizes > 0]),
        "looked_at": len(positions),
        "warnings": notes,
    }


class _Seen:
    def __init__(self):
        self.dialects, self.formats, self.sizes = (collections.Counter() for _ in range(3))
        self.positions, self.classes, self.damaged = [], [], []


def _look_into(faces, positions):
    seen = _Seen()
    for position in tqdm(positions, unit="image", disable=None):
        try:
            label, image = faces.record(position)
            seen_class = class_of(label, faces.describe(position))
            check_whole(image, faces.describe(position))
            header = read_image_header(image, faces.describe(position))
        except InputError as error:
            seen.damaged.append(str(error))
            continue
        seen.dialects["scalar" if isinstance(label, float) else f"vector of {len(label)}"] += 1
        seen.formats[header.format] += 1
        seen.sizes[f"{header.height}x{header.width}"] += 1
        seen.positions.append(position)
        seen.classes.append(seen_class)
    seen.positions, seen.classes = (np.array(values, np.int64) for values in (seen.positions, seen.classes))
    return seen


def _label_notes(faces, ranges, seen):
    if not len(seen.classes):
        return
    if seen.classes.min() < 0:
        yield f"{np.count_nonzero(seen.classes < 0)} images have a negative label"
    if faces.num_classes is not None and seen.classes.max() >= faces.num_classes:
        yield f"labels reach {seen.classes.max()}, property says {faces.num_classes} classes, counted from 0"
    if faces.image_size is not None and set(seen.sizes) - {"{}x{}".format(*faces.image_size)}:
        yield "images differ in size from property ({},{})".format(*faces.image_size)
    if ranges is None:
        return
    order = np.argsort(ranges[:, 0], kind="stable")
    identity = order[np.maximum(np.searchsorted(ranges[order, 0], seen.positions, side="right") - 1, 0)]
    outside = (seen.positions < ranges[identity, 0]) | (seen.positions >= ranges[identity, 1])
    if outside.any():
        yield f"{np.count_nonzero(outside)} images belong to no identity record"
    pairs = np.unique(np.stack([identity[~outside], seen.classes[~outside]]), axis=1)
    mixed = len(pairs[0]) - len(np.unique(pairs[0]))
    split = len(pairs[1]) - len(np.unique(pairs[1]))
    if mixed:
        yield f"{mixed} identity records hold images of more than one label"
    if split:
        yield f"{split} labels are spread over more than one identity record: the list was not grouped by label"


def _structure_notes(faces, ranges):
    end = unframe(faces.records.view, faces.records.index.last_offset, faces.path)[1]
    if end < faces.records.size:
        yield f"{faces.records.size - end} bytes follow the last record that the .idx names"
    if faces.image_size is None:
        yield "no property file beside the set"
    if ranges is not None and np.any(ranges[:, 0] == ranges[:, 1]):
        yield f"{np.count_nonzero(ranges[:, 0] == ranges[:, 1])} identity records hold no image"


def _distribution(sizes):
    """Smallest, median, mean, largest, and a histogram with bounds that double: {"1": n, "2-3": n, ...}."""
    if not len(sizes):
        return None
    octaves, counts = np.unique(np.floor(np.log2(sizes)).astype(int), return_counts=True)
    return {
        "min": int(sizes.min()),
        "median": float(np.median(sizes)),
        "mean": round(float(sizes.mean()), 2),
        "max": int(sizes.max()),
        "histogram": {
            f"{1 << low}-{(2 << low) - 1}" if low else "1": count
            for low, count in zip(octaves.tolist(), counts.tolist())
        },
    }
