"""What every embedding network must do, and ways to look into its graph."""

import numpy as np
import pytest


@pytest.fixture
def shapes(mx):
    """Function (network, image_size) -> shapes of the parameters that are trained, and of every node's output."""

    def infer(network, image_size=(112, 112)):
        symbol = network.symbol()
        arguments, _, _ = symbol.infer_shape(data=(1, 3, *image_size))
        parameters = dict(zip(symbol.list_arguments(), arguments))
        del parameters["data"]
        nodes = symbol.get_internals()
        _, outputs, _ = nodes.infer_shape(data=(1, 3, *image_size))
        return parameters, dict(zip(nodes.list_outputs(), outputs))

    return infer


@pytest.fixture
def count(shapes):
    """Function (network, keep) -> how many numbers are trained in the parameters whose name ``keep`` accepts."""

    def counted(network, keep=lambda name: True):
        parameters, _ = shapes(network)
        return sum(int(np.prod(shape)) for name, shape in parameters.items() if keep(name))

    return counted


@pytest.fixture
def check_training(mx):
    """Function (network, image_size, embedding_size): one step reaches every weight; hybridized it is the same."""

    def check(network, image_size, embedding_size):
        mx.random.seed(0)
        assert network.set_up(image_size, [mx.cpu()]) == embedding_size
        images = mx.nd.array(np.random.default_rng(0).integers(0, 256, (4, 3, *image_size)))
        parameters = network.collect_params()
        means = {name: p.data().asnumpy() for name, p in parameters.items() if name.endswith("_mean")}

        with mx.autograd.record():
            embeddings = network(images)
            loss = mx.nd.sum(embeddings * mx.nd.array(np.random.default_rng(1).normal(size=embeddings.shape)))
        loss.backward()
        assert embeddings.shape == (4, embedding_size)
        assert np.isfinite(embeddings.asnumpy()).all()
        for name, parameter in parameters.items():
            if parameter.grad_req != "null":
                gradient = parameter.grad().asnumpy()
                assert np.isfinite(gradient).all(), name
                # A bias before a batch normalisation, and what two equal outputs cancel, may get nothing.
                assert gradient.any() or not name.endswith("_weight"), name
        for name, mean in means.items():
            assert (parameters[name].data().asnumpy() != mean).any(), name

        expected = network(images).asnumpy()
        network.hybridize()
        found = network(images).asnumpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        assert np.ptp(expected, axis=0).max() > 0, "all images have one embedding"

    return check
