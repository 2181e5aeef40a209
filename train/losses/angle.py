"""Angles from cosines, with finite slopes, and a cosine that keeps falling beyond pi."""

import math

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()

# arccos has the slope -1 / sqrt(1 - c^2): 707 at this distance from 1, and rounding of a 512-d product is below it.
COSINE_MARGIN = 1e-6


def bounded_cosine(cosine):
    """Cosines clamped to +-(1 - 1e-6), beyond which they pass no gradient."""
    return mx.nd.clip(cosine, COSINE_MARGIN - 1, 1 - COSINE_MARGIN)


def angle(cosine):
    """arccos of clamped cosines, radians in (0, pi)."""
    return mx.nd.arccos(bounded_cosine(cosine))


def monotone_cosine(angle_rad):
    """psi(phi) = (-1)^k cos(phi) - 2k with k = floor(phi / pi): cos on [0, pi], falling for every phi >= 0.

    Continuous with a continuous slope (Liu et al., ICML 2016, eq. 6, where phi = m theta).
    """
    turns = mx.nd.floor(angle_rad / math.pi)
    return (1 - 2 * (turns % 2)) * mx.nd.cos(angle_rad) - 2 * turns
