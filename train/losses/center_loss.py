"""Softmax with center loss: embeddings are drawn to the running centre of their class."""

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.losses.class_loss import LARGEST
from insightrec.train.losses.option_domain import option, plain_number
from insightrec.train.losses.softmax import Softmax
from insightrec.train.losses.unit_vector import full_precision

mx = import_mxnet()


class CenterLoss(Softmax):
    """Softmax + lambda/2 mean |x - c_y|^2 (Wen et al., ECCV 2016, eq. 5).

    After each batch c_j += alpha sum_{y_i = j} (x_i - c_j) / (1 + n_j), n_j the samples of class j (eq. 4). The
    centres (C, D), ``centers``, start at 0; the batch is that of all devices, whose copies stay equal.

    rate: alpha, 0 <= alpha <= 1. term_weight: lambda, 0 or more. bias: as `Softmax`.
    """

    needs_whole_head = True

    def __init__(self, rate=0.5, term_weight=0.003, bias=True):
        super().__init__(bias)
        self.rate = rate
        self.term_weight = term_weight

    def head_states(self, num_classes, embedding_size):
        return {"centers": (num_classes, embedding_size)}

    def head_penalty(self, embedding, label, weight, states):
        offset = _finite(embedding) - mx.nd.take(states["centers"], label)
        return self.term_weight / 2 * offset.square().sum(axis=1)

    def update_states(self, embeddings, labels, states):
        device = embeddings[0].context
        x = mx.nd.concat(*[_finite(embedding).as_in_context(device) for embedding in embeddings], dim=0)
        label = np.concatenate([label.asnumpy() for label in labels])
        classes, member = np.unique(label, return_inverse=True)
        members = mx.nd.one_hot(mx.nd.array(member, device), len(classes))
        count = members.sum(axis=0).expand_dims(1)
        classes = mx.nd.array(classes, device, dtype="int32")
        centers = mx.nd.take(states["centers"].data(device), classes)
        total = mx.nd.dot(members, x, transpose_a=True)
        centers = centers + self.rate * (total - count * centers) / (1 + count)
        for copy in states["centers"].list_data():
            copy[classes.as_in_context(copy.context)] = centers.as_in_context(copy.context)

    @classmethod
    def from_options(cls, options):
        rate = option(options, "--center-alpha", "a plain number, 0 <= alpha <= 1", lambda alpha: 0 <= alpha <= 1)
        return cls(rate, plain_number(options, "--center-scale"), bias=not options.fc7_no_bias)


def _finite(embedding):
    return mx.nd.clip(full_precision(embedding), -LARGEST, LARGEST)
