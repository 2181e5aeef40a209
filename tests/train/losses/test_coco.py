"""COCO: against the centroids of the identities in the batch."""

import math

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

coco = pytest.importorskip("insightrec.train.losses.coco", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

LABELS = [4, 1, 4, 7, 1, 4, 9]


def oracle_of(embeddings, classes):
    """Centroids are of the embeddings themselves, so the oracle normalises."""
    scale = 0.5 * math.log(classes - 1) + 3

    def oracle(unit, labels):
        lengths = np.linalg.norm(embeddings, axis=1)
        centroids = {}
        for label in set(labels):
            mean = sum(unit[i] * lengths[i] for i in range(len(labels)) if labels[i] == label)
            centroids[label] = mean / np.linalg.norm(mean)
        total = 0
        for x, label in zip(unit, labels):
            exponents = {k: math.exp(scale * (x @ c)) for k, c in centroids.items()}
            total -= math.log(exponents[label] / sum(exponents.values()))
        return total / len(labels)

    return oracle


def test_value_and_gradient(check_oracle):
    embeddings = np.random.default_rng(0).normal(size=(7, 4))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)

    def oracle(unit, labels):
        return oracle_of(np.ones((7, 1)), 50)(unit, labels)

    # Rows of length 1: moving one along itself would move its centroid, so the difference is taken across it.
    loss = coco.CocoLoss(50)
    check_oracle(
        lambda x, label: loss(x / (x * x).sum(axis=1, keepdims=True).sqrt(), label), oracle, [embeddings], LABELS
    )


def test_longer_embeddings_weigh_more_in_the_centroid(value_and_gradients):
    rng = np.random.default_rng(1)
    embeddings = np.float32(rng.normal(size=(7, 4)) * rng.uniform(0.2, 5, (7, 1)))
    values, _ = value_and_gradients(coco.CocoLoss(50), [embeddings], LABELS)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert values.mean() == pytest.approx(oracle_of(embeddings, 50)(unit, LABELS), rel=1e-5)


def test_by_hand(value_and_gradients):
    """Two identities at right angles, each its own centroid: log(1 + exp(-s)) with s = ln(1000) / 2 + 3."""
    values, _ = value_and_gradients(coco.CocoLoss(1001), [np.eye(2)[[0, 1, 0]]], [5, 3, 5])
    np.testing.assert_allclose(values, np.log1p(np.exp(-(0.5 * np.log(1000) + 3))), rtol=1e-4)


def test_one_identity_has_nothing_to_tell_apart(value_and_gradients):
    for labels in ([2], [2, 2, 2]):
        values, (gradient,) = value_and_gradients(coco.CocoLoss(10), [np.eye(3)[: len(labels)]], labels)
        np.testing.assert_allclose(values, 0, atol=1e-6)
        np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_finite(check_finite):
    check_finite(coco.CocoLoss(10), 1, [0, 1, 1, 1, 0, 0, 2, 2, 3])


def test_scale_is_of_the_training_set(options):
    assert coco.CocoLoss.from_options(options(num_classes=85742)).scale == pytest.approx(0.5 * math.log(85741) + 3)
    assert coco.CocoLoss.from_options(options(num_classes=2)).scale == 3
    with pytest.raises(InputError, match="2 or more classes"):
        coco.CocoLoss.from_options(options(num_classes=1))
