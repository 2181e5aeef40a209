"""Center loss: its term, and how the centres follow the batch."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

center_loss = pytest.importorskip("insightrec.train.losses.center_loss", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

EMBEDDING = np.array([[1.0, 0.0], [3.0, 2.0], [0.0, 5.0], [-1.0, 1.0]], np.float32)
LABEL = np.array([2, 2, 0, 2])


def followed(centers, embedding, label, alpha):
    """Wen et al., eq. 4, one class after the other."""
    new = centers.copy()
    for j in range(len(centers)):
        own = embedding[label == j]
        new[j] = centers[j] + alpha * (own - centers[j]).sum(axis=0) / (1 + len(own))
    return new


def trained_head(mx, parts, steps=2):
    devices = [mx.cpu(number) for number in range(len(parts))]
    head = class_head.ClassHead(center_loss.CenterLoss(rate=0.5), 4, 2)
    head.initialize(mx.init.Normal(1), ctx=devices)
    for _ in range(steps):
        with mx.autograd.record():
            head.forward_all(
                [mx.nd.array(EMBEDDING[part], device) for part, device in zip(parts, devices)],
                [mx.nd.array(LABEL[part], device) for part, device in zip(parts, devices)],
            )
        head.end_step()
    return head


def test_centres_of_a_step_that_is_given_up_stay(mx):
    """Float16 gradients that overflow: the step is skipped, and what overflowed is not learnt."""
    head = trained_head(mx, [slice(4)], steps=0)
    with mx.autograd.record():
        head.forward_all([mx.nd.array(np.full_like(EMBEDDING, np.inf))], [mx.nd.array(LABEL)])
    assert not head.states["centers"].data().asnumpy().any()


@pytest.mark.parametrize("parts", [[slice(4)], [slice(2), slice(2, 4)], [slice(1), slice(1, 2), slice(2, 4)]])
def test_centres_follow_the_batch_of_all_devices(parts, mx):
    centers = followed(np.zeros((4, 2)), EMBEDDING, LABEL, 0.5)
    np.testing.assert_allclose(centers[2], [0.375, 0.375])  # 0.5 * (1 + 3 - 1) / 4
    centers = followed(centers, EMBEDDING, LABEL, 0.5)
    head = trained_head(mx, parts)
    assert list(head.collect_params()) == ["fc7_weight", "fc7_bias", "centers"]
    for copy in head.states["centers"].list_data():
        np.testing.assert_allclose(copy.asnumpy(), centers, rtol=1e-6)


def test_centres_rest_while_not_training(mx):
    head = trained_head(mx, [slice(4)], steps=0)
    head.forward_all([mx.nd.array(EMBEDDING)], [mx.nd.array(LABEL)])
    assert not head.states["centers"].data().asnumpy().any()


def test_the_term_and_its_gradient(mx):
    x = mx.nd.array(EMBEDDING)
    x.attach_grad()
    centers = np.arange(8, dtype=np.float32).reshape(4, 2)
    with mx.autograd.record():
        loss = center_loss.CenterLoss(term_weight=0.1)
        term = loss.head_penalty(x, mx.nd.array(LABEL, dtype="int32"), None, {"centers": mx.nd.array(centers)})
        term.mean().backward()
    offset = EMBEDDING - centers[LABEL]
    np.testing.assert_allclose(term.asnumpy(), 0.05 * (offset**2).sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(x.grad.asnumpy(), 0.1 / 4 * offset, rtol=1e-6)


def test_domain(options):
    with pytest.raises(InputError, match="--center-alpha 1.5: expected a plain number, 0 <= alpha <= 1"):
        center_loss.CenterLoss.from_options(options(center_alpha=1.5))
    with pytest.raises(InputError, match="--center-scale -1: expected a number of 0 or more"):
        center_loss.CenterLoss.from_options(options(center_scale=-1))
