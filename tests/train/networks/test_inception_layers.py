import numpy as np
import pytest

inception_layers = pytest.importorskip("insightrec.train.networks.inception_layers", reason="needs MXNet")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="needs MXNet")
Conv, Pool = inception_layers.Conv, inception_layers.Pool

pytestmark = pytest.mark.mxnet


class PlainLayers(inception_layers.InceptionLayers):
    """Units are convolutions alone, which a few lines of NumPy can follow."""

    def linear(self, name, conv):
        return [named_layers.Convolution(name, *conv)]

    unit = linear

    def relu(self, name):
        return named_layers.Activation(f"{name}_relu", "relu")

    def pool(self, name, pool):
        return named_layers.Pooling(name, *pool)


X = np.random.default_rng(0).normal(size=(2, 4, 3, 3)).astype(np.float32)
PATHS = [(Conv(2),), (Conv(3), Conv(5)), (Pool("max", stride=1, pad=1), Conv(1))]


@pytest.fixture
def run(mx):
    """Function (block) -> its output for X, and the 1x1 weights that were drawn for it, (out, in) by name."""

    def run(block):
        block.collect_params().initialize(mx.init.Normal(1))
        output = block(mx.nd.array(X)).asnumpy()
        return output, {name: p.data().asnumpy()[:, :, 0, 0] for name, p in block.collect_params().items()}

    return run


def mix(weight, x):
    return np.einsum("oc,nchw->nohw", weight, x)


def joined(weights, name):
    """What PATHS make of X."""
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    pooled = np.max([padded[:, :, i : i + 3, j : j + 3] for i in range(3) for j in range(3)], axis=0)
    return np.concatenate(
        [
            mix(weights[f"{name}_branch1_conv1_weight"], X),
            mix(weights[f"{name}_branch2_conv2_weight"], mix(weights[f"{name}_branch2_conv1_weight"], X)),
            mix(weights[f"{name}_branch3_conv2_weight"], pooled),
        ],
        axis=1,
    )


def test_branches_are_joined_in_order(run):
    found, weights = run(PlainLayers().branches("block", PATHS))
    np.testing.assert_allclose(found, joined(weights, "block"), atol=1e-5)


@pytest.mark.parametrize("activated", [True, False])
def test_residual(run, activated):
    found, weights = run(PlainLayers().residual("block", PATHS, channels=4, scale=0.25, activated=activated))
    expected = X + 0.25 * mix(weights["block_up_weight"], joined(weights, "block"))
    assert (expected < 0).any()
    np.testing.assert_allclose(found, np.maximum(expected, 0) if activated else expected, atol=1e-5)


def test_residuals_one_after_another(run):
    blocks = PlainLayers().residuals("block", 3, [(Conv(2),)], channels=4, scale=0.5)
    found, weights = run(named_layers.Sequence(*blocks))
    expected = X
    for name in ("block_1", "block_2", "block_3"):
        inner = mix(weights[f"{name}_branch1_conv1_weight"], expected)
        expected = np.maximum(expected + 0.5 * mix(weights[f"{name}_up_weight"], inner), 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)
