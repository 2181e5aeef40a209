"""The classes one device holds of a class-parallel head: their rows, momentum, and the rows of a step."""

import math

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()


def sampled_rows(num_rows, positives, sample_rate, draw):
    """Rows that take part in a step: all positives, and others at random up to the sample rate.

    Args:
        num_rows: how many there are.
        positives: int array, rows that are some sample's own class.
        sample_rate: 0..1 of ``num_rows``, rounded up. The count exceeds it only where the positives alone do, so
            that arrays keep their shape from step to step.
        draw: ``np.random.Generator``.

    Returns:
        Sorted int64 array (An et al., CVPR 2022, section 3.2).
    """
    score = draw.random(num_rows)
    score[positives] = 2  # above every random score
    count = max(math.ceil(sample_rate * num_rows), len(np.unique(positives)))
    return np.sort(np.argpartition(score, num_rows - count)[num_rows - count :])


class ClassShard:
    """Rows ``start`` to ``stop`` - 1 of the head's arrays, on one device.

    Attributes:
        arrays: by name, ``fc7_weight`` (rows, D) and maybe ``fc7_bias`` (rows,).
        states: the optimizer's array by name, like the arrays; None without momentum; absent before the first update.
    """

    def __init__(self, start, stop, device):
        self.start, self.stop, self.device = start, stop, device
        self.arrays = {}
        self.states = {}
        self.rows = None  # of this step, int32 on the device; None: all
        self.leaves = {}  # the arrays' rows of this step, which get the gradient

    def load(self, arrays, states):
        """Take this shard's part of whole arrays, float32 NumPy by name."""
        self.arrays = {name: self._part(array) for name, array in arrays.items()}
        self.states = {name: self._part(state) for name, state in states.items()}

    def choose_rows(self, label, sample_rate, draw):
        """Set the rows of this step for the labels (B,), int64 NumPy.

        Returns:
            int32 (B,) on the device: row of each sample's own class among the step's rows, -1 if held elsewhere.
        """
        own = (self.start <= label) & (label < self.stop)
        local = np.where(own, label - self.start, -1)
        if sample_rate == 1:
            self.rows, self.leaves = None, self.arrays
        else:
            rows = sampled_rows(self.stop - self.start, local[own], sample_rate, draw)
            local[own] = np.searchsorted(rows, local[own])
            self.rows = mx.nd.array(rows, self.device, dtype="int32")
            with mx.autograd.pause():
                self.leaves = {name: mx.nd.take(array, self.rows) for name, array in self.arrays.items()}
        for leaf in self.leaves.values():
            if leaf.grad is None:  # whole arrays keep theirs from step to step
                leaf.attach_grad()
        return mx.nd.array(local, self.device, dtype="int32")

    def update(self, optimizer):
        """One step of the optimizer on the step's rows and their states; the others stay as they are."""
        for name, leaf in self.leaves.items():
            if name not in self.states:
                self.states[name] = optimizer.create_state_multi_precision(name, self.arrays[name])
            state = self.states[name]
            state_rows = state if state is None or self.rows is None else mx.nd.take(state, self.rows)
            optimizer.update_multi_precision(name, leaf, leaf.grad, state_rows)
            if self.rows is not None:
                self.arrays[name][self.rows] = leaf
                if state is not None:
                    state[self.rows] = state_rows

    def _part(self, array):
        return mx.nd.array(array[self.start : self.stop], self.device, dtype="float32")
