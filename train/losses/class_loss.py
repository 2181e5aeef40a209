"""The arithmetic all class losses share; a margin is a small override of it.

With z_j the logit of class j and y the sample's own class, cross-entropy is softplus(log sum_{j != y} e^{z_j} - z_y).
So a head computes, over whatever classes it holds, the own class's logit and the log-sum-exp of the others
(`ClassLoss.terms`); terms of several devices join into those of all classes; and the margin moves z_y alone
(`ClassLoss.head_output`). Data-parallel and class-parallel heads run the same two steps.
"""

from typing import Any, NamedTuple

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.angle import bounded_cosine
from insightrec.train.losses.unit_vector import full_precision, length, unit

mx = import_mxnet()

NO_LOGIT = 1e37  # subtracted from a logit that shall not count; float32 ends at 3.4e38
LARGEST = 1e15  # rows that are not normalised are clipped to it, so that their products stay finite


class ClassTerms(NamedTuple):
    """What a sample's loss needs to know of the classes, NDArrays (B,).

    target: margin-free logit of the own class. length: what its cosine was multiplied by. others: log-sum-exp of
    the other classes' logits. best_other: the largest of them (no gradient).
    """

    target: Any
    length: Any
    others: Any
    best_other: Any


class HeadOutput(NamedTuple):
    """NDArrays (B,): loss, whose mean is the batch's; correct, 1 where the own class's margin-free logit is above all
    others, else 0; margin_correct, the same of the training logits."""

    loss: Any
    correct: Any
    margin_correct: Any


class ClassLoss:
    """Softmax cross-entropy over classes; a loss overrides the attributes and `target_logit`.

    Attributes:
        normalize_embedding, normalize_weight: whether the product is taken of unit vectors.
        has_bias: whether the logits have one.
        has_margin: whether `target_logit` takes part.
        needs_whole_head: whether the loss reads more than `ClassTerms` (`head_penalty`); only `ClassHead` has it.
        scale: factor of the logits.
        margin_share: 0..1, how much of the margin is applied (margin warm-up).
    """

    normalize_embedding = True
    normalize_weight = True
    has_bias = False
    has_margin = True
    needs_whole_head = False
    margin_share = 1.0

    def __init__(self, scale=64.0):
        self.scale = scale

    def begin_step(self, step):
        """Set what depends on the step (counted from 1)."""

    def target_logit(self, cosine):
        """Training logit of the own class before scaling, from its clamped `similarity`: (B,) to (B,)."""
        raise NotImplementedError

    def similarity(self, cosine):
        """What stands for the cosine in every class's logit, elementwise."""
        return cosine

    def terms(self, embedding, row, weight, bias=None):
        """Logits of the classes held here, folded to `ClassTerms`; float32 for float16 embeddings.

        Args:
            embedding: (B, D), not normalised.
            row: int32 (B,), the row of ``weight`` that is the sample's own class; -1: none, target and length are 0.
            weight: (C, D). bias: (C,) or None.
        """
        x = self._prepared(embedding, self.normalize_embedding)
        w = self._prepared(weight, self.normalize_weight)
        logit = self.scale * self.similarity(mx.nd.dot(x, w, transpose_b=True))
        if bias is not None:
            logit = mx.nd.broadcast_add(logit, bias.expand_dims(0))
        own = (row >= 0).astype(logit.dtype)
        own_length = self.scale * own
        if not self.normalize_embedding:
            own_length = own_length * length(x).reshape(-1)
        if not self.normalize_weight:
            own_length = own_length * length(mx.nd.take(w, row)).reshape(-1)
        others = logit - mx.nd.one_hot(row, w.shape[0], on_value=NO_LOGIT, dtype=logit.dtype)
        best_other = mx.nd.BlockGrad(others.max(axis=1))
        return ClassTerms(
            target=mx.nd.pick(logit, row) * own,
            length=own_length,
            others=mx.nd.exp(others - best_other.expand_dims(1)).sum(axis=1).log() + best_other,
            best_other=best_other,
        )

    def cosine(self, terms):
        """Clamped `similarity` to the own class, (B,)."""
        return bounded_cosine(terms.target / terms.length)

    def head_output(self, terms):
        """`ClassTerms` of all classes to `HeadOutput`."""
        target = terms.target
        if self.has_margin:
            margined = terms.length * self.target_logit(self.cosine(terms))
            target = (1 - self.margin_share) * target + self.margin_share * margined
        return HeadOutput(
            loss=mx.nd.Activation(terms.others - target, act_type="softrelu"),
            correct=terms.target > terms.best_other,
            margin_correct=target > terms.best_other,
        )

    def head_states(self, num_classes, embedding_size):
        """Shapes by name of arrays the loss keeps beside the weight: saved, without gradient, 0 at the start."""
        return {}

    def head_penalty(self, embedding, label, weight, states):
        """A term (B,) added to the loss of each sample; arguments as `terms`, ``states`` NDArrays by name."""
        raise NotImplementedError

    def update_states(self, embeddings, labels, states):
        """Renew the states, `Parameter`s by name, from the batch of all devices (lists of NDArrays)."""

    @staticmethod
    def _prepared(rows, normalize):
        rows = full_precision(rows)
        return unit(rows) if normalize else mx.nd.clip(rows, -LARGEST, LARGEST)
