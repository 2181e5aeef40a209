"""The last layer of a class loss, data parallel: every device holds all classes."""

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()

BIAS_LR_MULT, BIAS_WD_MULT = 2.0, 0.0  # of the softmax bias, upstream's


class ClassHead(mx.gluon.Block):
    """Class weights ``fc7_weight`` (C, D), for softmax ``fc7_bias`` (C,), and the loss's states (``centers``).

    They stay float32 whatever the network is cast to: only embeddings cross from float16.

    Args:
        loss: `ClassLoss`.
        num_classes, embedding_size: C and D.
    """

    def __init__(self, loss, num_classes, embedding_size):
        super().__init__(prefix="")
        self.loss = loss
        self.num_classes = num_classes
        self.embedding_size = embedding_size
        self.weight = self.params.get("fc7_weight", shape=(num_classes, embedding_size))
        self.bias = None
        if loss.has_bias:
            self.bias = self.params.get(
                "fc7_bias", shape=(num_classes,), init="zeros", lr_mult=BIAS_LR_MULT, wd_mult=BIAS_WD_MULT
            )
        self.states = {
            name: self.params.get(name, shape=shape, init="zeros", grad_req="null")
            for name, shape in loss.head_states(num_classes, embedding_size).items()
        }

    def begin_step(self, step):
        """Set the loss to a step, counted from 1."""
        self.loss.begin_step(step)

    def forward_all(self, embeddings, labels):
        """Losses of a batch that is spread over the devices.

        Args:
            embeddings: list of (B, D), one a device, not normalised.
            labels: list of (B,), 0..C-1, beside them.

        Returns:
            List of `HeadOutput`, one a device.
        """
        labels = [label.astype("int32") for label in labels]
        if self.states:
            self._batch = embeddings, labels
        return [self.forward(embedding, label) for embedding, label in zip(embeddings, labels)]

    def end_step(self):
        """Renew the loss's states from the last batch; where a step is given up, it is not called."""
        if self.states:
            self.loss.update_states(*self._batch, self.states)
            self._batch = None

    def forward(self, embedding, label):
        device = embedding.context
        weight = self.weight.data(device)
        bias = None if self.bias is None else self.bias.data(device)
        output = self.loss.head_output(self.loss.terms(embedding, label, weight, bias))
        if not self.loss.needs_whole_head:
            return output
        states = {name: state.data(device) for name, state in self.states.items()}
        return output._replace(loss=output.loss + self.loss.head_penalty(embedding, label, weight, states))

    def arrays(self):
        """Weights and bias by name, float32 NumPy."""
        return {name: array for name, array in self._all_arrays().items() if name not in self.states}

    def loss_arrays(self):
        """The loss's states by name, float32 NumPy."""
        return {name: array for name, array in self._all_arrays().items() if name in self.states}

    def _all_arrays(self):
        return {name: parameter.list_data()[0].asnumpy() for name, parameter in self.collect_params().items()}

    def cast(self, dtype):
        """Stays float32."""
