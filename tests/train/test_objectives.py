"""Losses of each kind on one and two devices, against their own arithmetic on plain arrays."""

import numpy as np
import pytest

from insightrec.train.margin_warmup import MarginWarmup

objectives = pytest.importorskip("insightrec.train.objectives", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
cosface = pytest.importorskip("insightrec.train.losses.cosface", reason="needs MXNet")
softmax = pytest.importorskip("insightrec.train.losses.softmax", reason="needs MXNet")
triplet = pytest.importorskip("insightrec.train.losses.triplet", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

SIZE, CLASSES = 4, 5
EMBEDDING = np.random.default_rng(0).normal(size=(12, SIZE)).astype(np.float32)
LABEL = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1])


def spread(mx, devices):
    """Embeddings and labels, equal shares on the devices."""
    on = [mx.cpu(number) for number in range(devices)]
    embeddings = [mx.nd.array(part, ctx=device) for part, device in zip(np.split(EMBEDDING, devices), on)]
    labels = [mx.nd.array(part, ctx=device, dtype="int32") for part, device in zip(np.split(LABEL, devices), on)]
    return embeddings, labels


def made_head(mx, loss, devices):
    mx.random.seed(3)
    head = class_head.ClassHead(loss, CLASSES, SIZE)
    head.initialize(mx.init.Normal(1), ctx=[mx.cpu(number) for number in range(devices)])
    return head


def floats(values):
    return [value.asscalar() for value in values]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def log_sum_exp(logits):
    largest = logits.max(axis=1)
    return largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))


@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize(("step", "share"), [(1, 0), (3, 0.5), (9, 1)])
def test_classes_with_a_margin_that_grows(mx, devices, step, share):
    head = made_head(mx, cosface.CosFace(0.4, 8.0), devices)
    objective = objectives.ClassObjective(head, MarginWarmup(2, 2))
    objective.begin_step(step)
    assert head.loss.margin_share == share
    figures = objective(*spread(mx, devices))
    assert [figure.loss.context for figure in figures] == [mx.cpu(number) for number in range(devices)]

    free = 8 * unit(EMBEDDING) @ unit(head.arrays()["fc7_weight"]).T
    own = np.eye(CLASSES, dtype=bool)[LABEL]
    trained = free - 8 * 0.4 * share * own
    parts = {
        "loss": log_sum_exp(trained) - trained[own],
        "accuracy": free.argmax(axis=1) == LABEL,
        "margin_accuracy": trained.argmax(axis=1) == LABEL,
    }
    for name, values in parts.items():
        found = floats(getattr(figure, name) for figure in figures)
        assert found == pytest.approx(values.reshape(devices, -1).mean(axis=1), abs=1e-5), name
    if share == 1:
        assert parts["accuracy"].sum() > parts["margin_accuracy"].sum()


def test_a_loss_without_a_margin_has_one_accuracy(mx):
    objective = objectives.ClassObjective(made_head(mx, softmax.Softmax(), 1), MarginWarmup())
    objective.begin_step(1)
    [figure] = objective(*spread(mx, 1))
    assert figure.margin_accuracy is None
    assert 0 <= figure.accuracy.asscalar() <= 1


def test_the_head_is_told_the_step(mx):
    head = made_head(mx, softmax.Softmax(), 1)
    steps = []
    head.loss.begin_step = steps.append
    objectives.ClassObjective(head, MarginWarmup()).begin_step(7)
    objectives.TripletObjective(None, head, 1.0).begin_step(8)
    objectives.TripletObjective(None).begin_step(9)
    assert steps == [7, 8]


def test_pairs_are_those_of_each_device(mx):
    calls = []

    def loss(embedding, label):
        calls.append((embedding.asnumpy(), label.asnumpy()))
        return embedding.sum(axis=1)

    objective = objectives.IdentityObjective(loss)
    assert objective.head is None
    objective.begin_step(1)
    figures = objective(*spread(mx, 2))
    np.testing.assert_array_equal(np.stack([rows for rows, _ in calls]), EMBEDDING.reshape(2, 6, SIZE))
    np.testing.assert_array_equal(np.stack([labels for _, labels in calls]), LABEL.reshape(2, 6))
    expected = EMBEDDING.sum(axis=1).reshape(2, 6).mean(axis=1)
    assert floats(figure.loss for figure in figures) == pytest.approx(expected, abs=1e-6)
    assert figures[0].accuracy is None
    assert figures[0].margin_accuracy is None


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("weight", [0, 0.25])
def test_triplets_are_anchors_then_positives_then_negatives(mx, devices, weight):
    head = made_head(mx, softmax.Softmax(), devices) if weight else None
    figures = objectives.TripletObjective(triplet.TripletLoss(0.3), head, weight)(*spread(mx, devices))
    anchor, positive, negative = unit(EMBEDDING).reshape(devices, 3, -1, SIZE).transpose(1, 0, 2, 3)
    d_ap, d_an = (((anchor - other) ** 2).sum(axis=-1) for other in (positive, negative))
    expected = np.maximum(d_ap - d_an + 0.3, 0).mean(axis=1)
    if weight:
        arrays = head.arrays()
        logits = EMBEDDING @ arrays["fc7_weight"].T + arrays["fc7_bias"]
        losses = log_sum_exp(logits) - logits[np.arange(12), LABEL]
        expected = expected + weight * losses.reshape(devices, -1).mean(axis=1)
    assert floats(figure.loss for figure in figures) == pytest.approx(expected, abs=1e-5)
    assert floats(figure.accuracy for figure in figures) == pytest.approx((d_ap < d_an).mean(axis=1))
    assert 0 < (d_ap < d_an).mean() < 1


def test_the_accuracy_of_triplets_passes_no_gradient(mx):
    embedding = mx.nd.array(EMBEDDING)
    embedding.attach_grad()
    with mx.autograd.record():
        [figure] = objectives.TripletObjective(lambda anchor, *_: 0 * anchor.sum(axis=1))([embedding], [None])
    figure.loss.backward()
    assert not embedding.grad.asnumpy().any()
    assert figure.accuracy.asscalar() > 0
