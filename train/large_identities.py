"""Identities with enough images to learn from: ``--images-filter``."""

import numpy as np

from insightrec.recordio_tools.errors import RecordError


def large_identities(faces, at_least):
    """Positions ``[first, end)`` of the identities with ``at_least`` images, int64 (identities, 2), in order.

    Args:
        faces: an identity-indexed `FaceRecordSet`.
        at_least: number of images.

    Raises:
        RecordError: the set is flat, or no identity has so many.
    """
    ranges = faces.identity_ranges
    sizes = ranges[:, 1] - ranges[:, 0]
    if sizes.max() < at_least:
        raise RecordError(
            f"{faces.path}: expected an identity of {at_least} images or more, found at most {sizes.max()}; "
            "lower --images-filter"
        )
    return ranges[sizes >= at_least]


def images_of(ranges):
    """Positions of all images in ``ranges``, int64 (N,)."""
    return np.concatenate([np.arange(first, end) for first, end in ranges.tolist()])
