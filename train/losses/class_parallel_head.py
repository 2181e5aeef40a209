"""The last layer of a class loss, class parallel: each of n devices holds C/n classes.

Per sample the devices exchange the embedding and four numbers (`ClassTerms`), so the softmax is exact while neither
weights nor logits of all classes are ever in one place. With a sample rate below 1 it is Partial FC (An et al.,
CVPR 2022): the softmax runs over the batch's own classes and a random part of the others.
"""

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.class_head import BIAS_LR_MULT, BIAS_WD_MULT
from insightrec.train.losses.class_loss import ClassTerms, HeadOutput
from insightrec.train.losses.class_shard import ClassShard

mx = import_mxnet()

WEIGHT_DEVIATION = 0.01  # standard deviation of the first weights, Partial FC's
WEIGHT_DRAW, ROW_DRAW = 0x66633777, 0x66633772  # keep these draws apart from others of the same seed


class ClassParallelHead:
    """Class weights ``fc7_weight`` (C, D), and for softmax ``fc7_bias`` (C,), in shards over devices.

    The loss's `begin_step`, margin and annealing work as in `ClassHead`; the two are equal at sample rate 1.

    Args:
        loss: `ClassLoss`.
        num_classes, embedding_size: C and D.
        devices: list of contexts.
        sample_rate: part of the classes in the softmax of a step, 0 < rate <= 1.
        seed: of the first weights and, with the step and the shard, of the sampled classes.

    Attributes:
        lr_mult, wd_mult: multipliers by name; those of the bias are upstream's 2 and 0.

    Raises:
        InputError: the loss needs all weights in one place, fewer classes than devices, or a rate outside its domain.
    """

    def __init__(self, loss, num_classes, embedding_size, devices, sample_rate=1.0, seed=0):
        if loss.needs_whole_head:
            name = type(loss).__name__
            raise InputError(f"{name} needs all class weights on every device: it does not run with --class-parallel")
        if num_classes < len(devices):
            raise InputError(f"{num_classes} classes cannot be spread over {len(devices)} devices; use fewer devices")
        if not 0 < sample_rate <= 1:
            raise InputError(f"--sample-rate {sample_rate:g}: expected a part of the classes, 0 < rate <= 1")
        self.loss = loss
        self.num_classes = num_classes
        self.embedding_size = embedding_size
        self.sample_rate = sample_rate
        self.seed = seed
        self.lr_mult = {"fc7_weight": 1.0, "fc7_bias": BIAS_LR_MULT}
        self.wd_mult = {"fc7_weight": 1.0, "fc7_bias": BIAS_WD_MULT}
        self._step = 0
        bounds = [num_classes * shard // len(devices) for shard in range(len(devices) + 1)]
        self._shards = [ClassShard(*part) for part in zip(bounds, bounds[1:], devices)]
        draw = np.random.default_rng([seed, WEIGHT_DRAW])
        for shard in self._shards:  # one stream over all rows: the weights do not depend on the number of devices
            weight = draw.standard_normal((shard.stop - shard.start, embedding_size), np.float32) * WEIGHT_DEVIATION
            shard.arrays["fc7_weight"] = mx.nd.array(weight, shard.device)
            if loss.has_bias:
                shard.arrays["fc7_bias"] = mx.nd.zeros(shard.stop - shard.start, shard.device)

    def begin_step(self, step):
        """Set the loss and the sampling to a step, counted from 1."""
        self._step = step
        self.loss.begin_step(step)

    def forward_all(self, embeddings, labels):
        """Losses of a batch that is spread over devices; call it while autograd records, `update` after backward.

        Args, returns: as `ClassHead.forward_all`.
        """
        label = np.concatenate([label.asnumpy() for label in labels]).astype(np.int64)
        terms = []
        for number, shard in enumerate(self._shards):
            draw = np.random.default_rng([self.seed, ROW_DRAW, self._step, number])
            row = shard.choose_rows(label, self.sample_rate, draw)
            embedding = mx.nd.concat(*[part.as_in_context(shard.device) for part in embeddings], dim=0)
            terms.append(self.loss.terms(embedding, row, shard.leaves["fc7_weight"], shard.leaves.get("fc7_bias")))
        return _split(self.loss.head_output(_join(terms, self._shards[0].device)), embeddings)

    def end_step(self):
        """Nothing: losses with states of their own do not run class parallel."""

    def gradients(self):
        """The last step's gradients, NDArrays on their devices (sampled rows only)."""
        return [leaf.grad for shard in self._shards for leaf in shard.leaves.values()]

    def update(self, optimizer):
        """One step on the rows that took part; weight and momentum of the others stay as they are.

        Args:
            optimizer: ``mx.optimizer.Optimizer`` with one state array a weight, or none (SGD, NAG), this head's own:
                its multipliers are set to `lr_mult` and `wd_mult`. Its counter of updates runs once a shard.
        """
        optimizer.set_lr_mult(self.lr_mult)
        optimizer.set_wd_mult(self.wd_mult)
        for shard in self._shards:
            shard.update(optimizer)

    @property
    def shapes(self):
        """Shapes of the whole arrays by name."""
        parts = self._shards[0].arrays
        return {name: (self.num_classes, *part.shape[1:]) for name, part in parts.items()}

    def arrays(self):
        """Whole arrays by name, float32 NumPy."""
        return self._gather("arrays")

    def loss_arrays(self):
        """None: losses with states of their own do not run class parallel."""
        return {}

    def states(self):
        """The optimizer's whole arrays by the weight's name, float32 NumPy; none before the first update."""
        return self._gather("states")

    def load(self, arrays, states):
        """Spread whole arrays, as `arrays` and `states` return them, over this head's devices.

        Raises:
            InputError: a name or a shape is not this head's.
        """
        expected = self.shapes
        found = {name: array.shape for name, array in arrays.items()}
        if found != expected or any(expected.get(name) != state.shape for name, state in states.items()):
            states = {name: state.shape for name, state in states.items()}
            raise InputError(f"head's arrays: expected {expected}, found {found} and states {states}")
        for shard in self._shards:
            shard.load(arrays, states)

    def _gather(self, kind):
        parts = [getattr(shard, kind) for shard in self._shards]
        names = [name for name, array in parts[0].items() if array is not None]
        return {name: np.concatenate([part[name].asnumpy() for part in parts]) for name in names}


def _join(terms, device):
    """`ClassTerms` of shards to those of all classes, on one device."""
    target, length, others, best_other = (
        mx.nd.stack(*[part.as_in_context(device) for part in field], axis=0) for field in zip(*terms)
    )
    largest = mx.nd.BlockGrad(others.max(axis=0))
    return ClassTerms(
        target=target.sum(axis=0),  # 0 everywhere but in the shard that holds the class
        length=length.sum(axis=0),
        others=mx.nd.broadcast_sub(others, largest.expand_dims(0)).exp().sum(axis=0).log() + largest,
        best_other=best_other.max(axis=0),
    )


def _split(output, embeddings):
    """Each device's samples of a `HeadOutput`, on that device."""
    outputs, start = [], 0
    for embedding in embeddings:
        stop = start + embedding.shape[0]
        parts = (mx.nd.slice_axis(field, axis=0, begin=start, end=stop) for field in output)
        outputs.append(HeadOutput(*(part.as_in_context(embedding.context) for part in parts)))
        start = stop
    return outputs
