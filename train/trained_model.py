"""A trained network and its classifier as the files InsightFace's tools read: a graph and parameters by name."""

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.deploy.params_file import ARGUMENT, AUXILIARY

mx = import_mxnet()


def trained_symbol(network, head=None):
    """The graph: the embedding and, with a ``head``, its margin-free logits ``fc7``; an ``mx.sym.Symbol``.

    The margin is not in it: it takes part in training only.
    """
    embedding = network.symbol()
    if head is None:
        return embedding
    loss = head.loss
    # With its shape: MXNet cannot infer it through the normalisation.
    features, weight = embedding, mx.sym.var("fc7_weight", shape=(head.num_classes, head.embedding_size))
    if loss.normalize_embedding:
        features = mx.sym.L2Normalization(embedding, name="fc1n")
        features = mx.sym._internal._mul_scalar(features, scalar=loss.scale, name="fc1n_scaled")
    if loss.normalize_weight:
        weight = mx.sym.L2Normalization(weight, name="fc7n")
    inputs = [features, weight] + [mx.sym.var("fc7_bias")] * loss.has_bias
    logits = mx.sym.FullyConnected(*inputs, num_hidden=head.num_classes, no_bias=not loss.has_bias, name="fc7")
    return mx.sym.Group([embedding, logits])


def trained_params(network, head=None):
    """Arrays by full name (``arg:NAME``, ``aux:NAME``), in the graph's order; float32 whatever the network's dtype.

    Moving means and variances, which every device has of its own batches, are averaged over the devices.
    """
    symbol = network.symbol()
    parameters = network.collect_params()
    params = {}
    for kind, names in ((ARGUMENT, symbol.list_arguments()), (AUXILIARY, symbol.list_auxiliary_states())):
        for name in names:
            if name in parameters:
                copies = parameters[name].list_data()
                params[kind + name] = _mean(copies if kind == AUXILIARY else copies[:1])
    for name, array in (head.arrays() if head else {}).items():
        params[ARGUMENT + name] = array
    return params


def moving_statistics(network):
    """Each device's own moving means and variances, name to array (devices, C); empty with one device."""
    names = network.symbol().list_auxiliary_states()
    copies = {name: network.collect_params()[name].list_data() for name in names}
    return {name: np.stack([copy.asnumpy() for copy in data]) for name, data in copies.items() if len(data) > 1}


def set_moving_statistics(network, statistics):
    """Give each device its own again, where there are as many devices as when `moving_statistics` took them."""
    parameters = network.collect_params()
    for name, arrays in statistics.items():
        copies = parameters[name].list_data()
        if len(copies) == len(arrays):
            for copy, array in zip(copies, arrays):
                copy[:] = array


def _mean(copies):
    return np.mean([copy.asnumpy().astype(np.float32) for copy in copies], axis=0, dtype=np.float32)
