"""One step of training: forward and backward on every device, then one update."""

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.loss_scale import all_finite
from insightrec.train.network_embedder import device_pixels

mx = import_mxnet()


class TrainingStep:
    """Trains a network on a global batch, an equal share of it on every device.

    Gradients are of the mean loss over the devices (and over the workers of a distributed run), as in
    InsightFace's trainer. Everything random on the devices is drawn anew from (seed, step), so that a step
    does not depend on what ran before it.

    Args:
        network: a `FaceNetwork`, initialized on ``devices``.
        objective: of `insightrec.train.objectives`.
        updates: what holds and updates the parameters: a `ParameterUpdate`, and a `ShardUpdate` where classes are
            spread over the devices.
        devices: list of contexts.
        dtype: of the network's input.
        loss_scale: a `LossScale` for float16, or None.
        seed: of dropout and the like, 0 or more.
        worker, num_workers: this process's place among several; each draws numbers of its own.
    """

    def __init__(
        self, network, objective, updates, devices, *, dtype="float32", loss_scale=None, seed=0, worker=0, num_workers=1
    ):
        self._network, self._objective, self._updates = network, objective, updates
        self._devices, self._dtype, self._loss_scale = devices, dtype, loss_scale
        self._seed, self._worker, self._num_workers = seed, worker, num_workers

    def __call__(self, images, labels, step, learning_rate):
        """Run step number ``step``, counted from 1.

        Args:
            images: uint8 RGB (N, H, W, 3), N divisible by the number of devices.
            labels: int64 (N,).

        Returns:
            list of `DeviceFigures`; reading them waits for the devices.

        Raises:
            InputError: gradients of float16 overflow whatever the scale.
        """
        share = len(images) // len(self._devices)
        parts = [slice(number * share, (number + 1) * share) for number in range(len(self._devices))]
        pixels = [device_pixels(images[part], on, self._dtype) for part, on in zip(parts, self._devices)]
        labels = [mx.nd.array(labels[part], ctx=on, dtype="int32") for part, on in zip(parts, self._devices)]
        mx.random.seed(self._draw(step))
        self._objective.begin_step(step)
        scale = self._loss_scale.scale if self._loss_scale else 1.0
        with mx.autograd.record():
            figures = self._objective([self._network(part).flatten() for part in pixels], labels)
            losses = [figure.loss * scale for figure in figures]
        mx.autograd.backward(losses)
        for update in self._updates:
            update.reduce_gradients()
        if self._loss_scale is None or self._loss_scale.accept(self._finite()):
            for update in self._updates:
                update.update(learning_rate, rescale=1 / (scale * len(self._devices) * self._num_workers))
            if self._objective.head:
                self._objective.head.end_step()
        return figures

    def skip(self):
        """Take part in the sum of the gradients, which other workers wait for, without a step."""
        for update in self._updates:
            update.reduce_gradients()

    def _draw(self, step):
        """Seed of the devices' generators in a step; a prime keeps runs of neighbouring seeds apart."""
        return (self._seed * 1_000_003 + step * self._num_workers + self._worker) % 2**31

    def _finite(self):
        return all_finite(gradient for update in self._updates for gradient in update.gradients)
