"""Lengths and directions of rows, finite for zero and for huge rows, forward and backward."""

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()

SHORTEST = 1e-6  # a row whose largest element is below this has no direction


def full_precision(x):
    """float16 as float32, other types as they are: squares, softmax and arccos need the range and the digits."""
    return x.astype("float32") if x.dtype == np.float16 else x


def unit(x, shortest=SHORTEST):
    """Rows of x (N, D) divided by their L2 lengths; rows without a direction become 0 and pass no gradient.

    Slopes are at most 1 / ``shortest``; where none are wanted, it may be as small as float32 goes.
    """
    scaled, _ = _scaled(x, shortest)
    return scaled / _scaled_length(scaled)


def length(x):
    """L2 lengths of the rows of x (N, D): (N, 1), never 0."""
    scaled, largest = _scaled(x, SHORTEST)
    return largest * _scaled_length(scaled)


def _scaled(x, shortest):
    """Rows divided by their largest magnitude, whose squares neither overflow nor vanish, and that magnitude."""
    largest = mx.nd.BlockGrad(x.abs().max(axis=1, keepdims=True))
    divisor = mx.nd.maximum(largest, shortest)
    return x * (largest > shortest) / divisor, divisor


def _scaled_length(scaled):
    # The sum is 1 or more for every row that has a direction; the bound gives the others a finite slope.
    return mx.nd.maximum(scaled.square().sum(axis=1, keepdims=True), 0.5).sqrt()
