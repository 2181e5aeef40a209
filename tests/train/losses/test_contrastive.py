"""Contrastive loss: one identity together, others a margin apart."""

import math

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

contrastive = pytest.importorskip("insightrec.train.losses.contrastive", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def oracle_of(margin):
    def oracle(unit, labels):
        same, other = [], []
        for i, x in enumerate(unit):
            for j, z in enumerate(unit):
                distance = math.sqrt(((x - z) ** 2).sum())
                if i != j and labels[i] == labels[j]:
                    same.append(distance**2 / 2)
                elif i != j:
                    other.append(max(0, margin - distance) ** 2 / 2)
        return sum(same) / max(len(same), 1) + sum(other) / max(len(other), 1)

    return oracle


@pytest.mark.parametrize("margin", [1.0, 1.6])
@pytest.mark.parametrize("labels", [[4, 1, 4, 7, 1, 4, 9], [0, 0, 0, 0], [0, 1, 2, 3]])
def test_value_and_gradient(margin, labels, check_oracle):
    embeddings = np.random.default_rng(0).normal(size=(len(labels), 4)) + 0.5  # some closer than the margin
    check_oracle(contrastive.ContrastiveLoss(margin), oracle_of(margin), [embeddings], labels)


def test_by_hand(value_and_gradients):
    """60 degrees apart is a distance of 1."""
    rows = [[1, 0], [0.5, math.sqrt(3) / 2]]
    for labels, expected in [([3, 3], 1 / 2), ([3, 4], 0.5**2 / 2)]:
        values, _ = value_and_gradients(contrastive.ContrastiveLoss(1.5), [rows], labels)
        np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_one_image_has_no_pair(value_and_gradients):
    values, (gradient,) = value_and_gradients(contrastive.ContrastiveLoss(), [[[1, 2]]], [0])
    assert values.tolist() == [0]
    assert gradient.tolist() == [[0, 0]]


def test_finite(check_finite):
    check_finite(contrastive.ContrastiveLoss(), 1, [0, 1, 1, 1, 0, 0, 2, 2, 3])
    check_finite(contrastive.ContrastiveLoss(), 1, range(9))


def test_options(options):
    assert contrastive.ContrastiveLoss.from_options(options(contrastive_margin=0.7)).margin == 0.7
    for margin in (0, -1, 2.5, math.nan):
        with pytest.raises(
            InputError, match="--contrastive-margin .*: expected a distance of unit vectors, 0 < margin <= 2"
        ):
            contrastive.ContrastiveLoss.from_options(options(contrastive_margin=margin))
