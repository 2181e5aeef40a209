"""Aligned faces to features: embeddings of unit length, with those of the mirror images added to them or not."""

import numpy as np

from insightrec.recordio_tools.errors import ModelError


def face_features(embedder, images, *, mirror, names):
    """Features of aligned faces, as InsightFace's deploy and MegaFace code computes them.

    Args:
        embedder: has ``embed``: uint8 RGB (N, H, W, 3) -> float32 (N, D).
        images: uint8 RGB (N, H, W, 3), 0..255.
        mirror: add the embedding of each image flipped left to right before the length is made 1.
        names: N str, what to call the images in an error.

    Returns:
        float64 (N, D), rows of unit length.

    Raises:
        ModelError: an embedding is not finite, or zero and so without a direction; it names the image.
    """
    features = embedder.embed(images).astype(np.float64)
    if mirror:
        features += embedder.embed(images[:, :, ::-1])
    return unit_rows(features, names)


def unit_rows(features, names):
    """Divide each row of ``features``, float64 (N, D), by its L2 norm; ``names`` are N str, one a row.

    Raises:
        ModelError: a row is not finite, or zero; it names the first.
    """
    norms = np.linalg.norm(features, axis=1)
    wrong = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(wrong):
        raise ModelError(
            f"{names[wrong[0]]}: expected an embedding of finite numbers, not all zero, found another, as for "
            f"{len(wrong)} of {len(norms)} images; check the model's parameters and its input scaling"
        )
    return features / norms[:, None]
