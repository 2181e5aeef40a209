"""The pairs within a batch, as (B, B) arrays: who belongs together, and how far apart."""

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()


def same_identity(label):
    """float32 (B, B): 1 where samples i and j of ``label`` (B,) are one identity, the diagonal included."""
    return (label.reshape((-1, 1)) == label.reshape((1, -1))).astype("float32")


def squared_distances(unit):
    """Squared L2 distances between all rows of ``unit`` (B, D), unit vectors; float32 (B, B), 0..4."""
    square = (unit * unit).sum(axis=1)
    product = mx.nd.dot(unit, unit, transpose_b=True)
    return mx.nd.relu(square.reshape((-1, 1)) + square.reshape((1, -1)) - 2 * product)  # rounding can go below 0
