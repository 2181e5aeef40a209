"""How a loss of each kind is applied to one step's embeddings.

A network's embeddings arrive as a list, one array a device, and leave as figures a device: the loss whose
mean over the devices is trained on, and which images were recognised.
"""

from typing import Any, NamedTuple

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()


class DeviceFigures(NamedTuple):
    """Scalars (1,) on one device; None where the loss has no such figure.

    loss: what is minimised. accuracy: share of images whose own class has the highest margin-free logit.
    margin_accuracy: the same of the logits that are trained, with their margin.
    """

    loss: Any
    accuracy: Any = None
    margin_accuracy: Any = None


class ClassObjective:
    """Classification by a head: a `ClassHead` or a `ClassParallelHead`, its margin grown by a `MarginWarmup`."""

    def __init__(self, head, warmup):
        self.head = head
        self._warmup = warmup

    def begin_step(self, step):
        """Set what depends on the step: the margin's share, annealing, random margins."""
        self.head.loss.margin_share = self._warmup.share(step)
        self.head.begin_step(step)

    def __call__(self, embeddings, labels):
        outputs = self.head.forward_all(embeddings, labels)
        margin = self.head.loss.has_margin
        return [
            DeviceFigures(out.loss.mean(), out.correct.mean(), out.margin_correct.mean() if margin else None)
            for out in outputs
        ]


class IdentityObjective:
    """A loss on the pairs within each device's batch."""

    head = None

    def __init__(self, loss):
        self._loss = loss

    def begin_step(self, step):
        """Nothing depends on the step."""

    def __call__(self, embeddings, labels):
        return [DeviceFigures(self._loss(*both).mean()) for both in zip(embeddings, labels)]


class TripletObjective:
    """A loss on triplets: each device's batch is its anchors, then its positives, then its negatives.

    The accuracy is the share of triplets whose negative is further from the anchor than the positive.

    Args:
        loss: ``loss(anchor, positive, negative) -> (T,)``.
        head: a head whose cross-entropy over the identities is added, or None.
        head_weight: its weight.
    """

    def __init__(self, loss, head=None, head_weight=0.0):
        self._loss, self.head, self._head_weight = loss, head, head_weight

    def begin_step(self, step):
        """Set what depends on the step, in the head."""
        if self.head:
            self.head.begin_step(step)

    def __call__(self, embeddings, labels):
        figures = []
        outputs = self.head.forward_all(embeddings, labels) if self.head else [None] * len(embeddings)
        for embedding, output in zip(embeddings, outputs):
            anchor, positive, negative = mx.nd.split(embedding, 3, axis=0)
            loss = self._loss(anchor, positive, negative).mean()
            if output is not None:
                loss = loss + self._head_weight * output.loss.mean()
            figures.append(DeviceFigures(loss, _ranked(anchor, positive, negative).mean()))
        return figures


def _ranked(anchor, positive, negative):
    """(T,) 1 where the positive is closer, by angle, to the anchor than the negative is."""
    with mx.autograd.pause():
        anchor, positive, negative = (mx.nd.L2Normalization(x.astype("float32")) for x in (anchor, positive, negative))
        return (anchor * positive).sum(axis=1) > (anchor * negative).sum(axis=1)
