"""The training loop: steps, log, verification, checkpoints; and going on from a checkpoint as if never stopped."""

import contextlib
import math
import warnings

import numpy as np

from insightrec.recordio_tools.command_line import list_skipped
from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.train.checkpoint import check_prefix, newest_checkpoint, read_checkpoint, write_checkpoint
from insightrec.train.interruption import Interruption
from insightrec.train.learning_rate import LearningRate, lr_steps
from insightrec.train.save_rule import NEVER, SaveRule
from insightrec.train.training_log import SPEED_EVERY, TRIPLET_SPEED_EVERY, TrainingLog
from insightrec.train.training_state import restore_checkpoint, take_checkpoint

CHECK_EVERY = 20  # steps after which the loss is waited for and looked at
LATEST = 0  # number of the checkpoint that is for resuming only, where the rule saves none


class TrainingRun:
    """One run of the trainer on the parts that `training_setup.set_up` has made.

    Args:
        args: of `train_options.parse`.
        training: the `Training`.
        report: called with a line of text.
    """

    def __init__(self, args, training, report):
        self._args = args
        self._report = report
        self._parts = training
        delay = args.beta_freeze if training.entry.name == "sphereface" else 0
        steps = lr_steps(args.lr_steps, training.entry, training.global_batch, delay)
        self._rate = LearningRate(args.lr, steps, args.warmup_steps)
        self._rule = SaveRule(args.ckpt)
        self._step = 0
        self._epoch, self._batch_of_epoch = None, 0
        self._evaluated_at = self._saved = None
        self._running = []  # figures of the step that the devices may still be computing
        self._existing = "remove" if args.overwrite else "refuse"  # what becomes of checkpoints of the prefix
        if args.resume:
            self._resume()

    def train(self):
        """Train until ``--max-steps`` or ``--end-epoch``; save at the end, and where it is interrupted.

        Raises:
            KeyboardInterrupt: it was interrupted; the checkpoint is written.
            InputError: no checkpoints can be written, the data is damaged, or training has diverged; checkpoints
                stay as they are.
        """
        parts = self._parts
        with self._open_log() as self._log, Interruption() as stop:
            self._check_prefix()
            if parts.entry.kind == "triplets":
                parts.batches.report = self._report_mining
            if self._args.verify_first and self._step == 0 and self._is_first:
                self._verify()
            with contextlib.closing(iter(parts.batches)) as batches:
                while not self._is_over():
                    self._train_on(batches)
                    if self._step % self._args.verbose == 0:
                        self._evaluate()
                    if parts.agreement.any(stop.requested):
                        self._save_whatever_the_rule()
                        raise KeyboardInterrupt
            if self._evaluated_at != self._step:
                self._evaluate()
            self._save_whatever_the_rule()
        list_skipped(list(parts.batches.errors.values()), "image")

    def _check_prefix(self):
        """Every worker refuses alike, so that none is left waiting for one that stopped; the first alone removes."""
        keeps = self._existing == "remove" and not self._is_first
        check_prefix(self._args.prefix, existing="keep" if keeps else self._existing)

    def _open_log(self):
        """The log of this process; of a distributed run only the first gives TensorBoard scalars."""
        args, parts = self._args, self._parts
        return TrainingLog(
            parts.global_batch,
            every=TRIPLET_SPEED_EVERY if parts.entry.kind == "triplets" else SPEED_EVERY,
            first_step=self._step,
            last_step=args.max_steps or None,
            tensorboard=args.tensorboard if self._is_first else None,
        )

    def _report_mining(self, bag, statistics):
        """One line and scalars of the triplets that a bag gave."""
        active, d_ap, d_an = statistics.active_fraction, statistics.mean_d_ap, statistics.mean_d_an
        self._log.line(
            f"bag {bag}: {statistics.triplets} triplets of {statistics.pairs} pairs, active {active:.4f}, mean squared "
            f"distance {d_ap:.4f} to the positive, {d_an:.4f} to the negative"
        )
        scalars = {"active": active, "d_ap": d_ap, "d_an": d_an}
        self._log.scalars(self._step, {f"mining/{name}": value for name, value in scalars.items()})
        self._log.restart_clock()

    def _is_over(self):
        max_steps = self._args.max_steps
        return (max_steps and self._step >= max_steps) or self._parts.batches.epoch >= self._args.end_epoch

    def _train_on(self, batches):
        parts = self._parts
        epoch = parts.batches.epoch
        self._batch_of_epoch = self._batch_of_epoch + 1 if epoch == self._epoch else 0
        self._epoch = epoch
        batch = next(batches)
        rate = self._rate.at(self._step)
        self._step += 1
        figures = parts.step(batch.images, batch.labels, self._step, rate)
        for running in self._running:  # the devices are at most a step behind: memory is bounded, Ctrl-C answered soon
            running.loss.wait_to_read()
        self._running = figures
        metrics = {"acc": _mean(figures, "accuracy"), "lossvalue": _mean(figures, "loss")}
        metrics["margin_acc"] = _mean(figures, "margin_accuracy")
        self._log.step(self._step, epoch, self._batch_of_epoch, rate, {k: v for k, v in metrics.items() if v})
        if self._step % CHECK_EVERY == 0 and not math.isfinite(metrics["lossvalue"]()):
            raise self._divergence("the loss")

    def _evaluate(self):
        """Verify, and save where the rule says so; else keep the state, so that a killed run loses little."""
        self._evaluated_at = self._step
        accuracies = self._verify() if self._is_first else []
        index = self._rule.evaluated(accuracies)
        if index is not None:
            self._save(index)
        elif self._args.ckpt != NEVER and not self._is_over():  # at the end it is saved in any case
            self._save(LATEST)
        if accuracies:
            self._log.highest(self._step, self._rule.highest)
        self._log.restart_clock()

    def _verify(self):
        """Accuracy on each pack, logged."""
        try:
            results = self._parts.packs(self._parts.embedder)
        except ModelError:
            raise self._divergence("an embedding") from None
        for target, result in results.items():
            accuracy = result.flip.accuracy
            self._log.verification(self._step, target, result.xnorm, accuracy.mean, accuracy.std)
        self._log.restart_clock()
        return [result.flip.accuracy.mean for result in results.values()]

    def _save_whatever_the_rule(self):
        index = self._rule.closing_index(at_evaluation=self._evaluated_at == self._step)
        if self._saved != (self._step, index):
            self._save(index)

    def _save(self, index):
        if not self._is_first:
            return
        checkpoint = self._checkpoint()
        if not all(np.isfinite(array).all() for array in checkpoint.params.values()):
            raise self._divergence("a parameter")
        if index != LATEST:
            self._log.saving(index)
        write_checkpoint(self._args.prefix, index, checkpoint)
        self._saved = self._step, index

    def _checkpoint(self):
        progress = {
            "step": self._step,
            "epoch": self._epoch,
            "batch_of_epoch": self._batch_of_epoch,
            "evaluated_at": self._evaluated_at,
            "rule": self._rule.state(),
        }
        return take_checkpoint(self._args, self._parts, progress)

    def _resume(self):
        prefix = self._args.prefix
        index = newest_checkpoint(prefix)
        if index is None:
            warnings.warn(f"--resume: {prefix} has no checkpoint with a state yet; starting anew", stacklevel=2)
            return
        self._existing = "keep"
        source = f"{prefix}-{index:04d}"
        progress = restore_checkpoint(self._args, self._parts, read_checkpoint(prefix, index), source)
        self._rule.load_state(progress["rule"])
        self._step, self._epoch = progress["step"], progress["epoch"]
        self._batch_of_epoch, self._evaluated_at = progress["batch_of_epoch"], progress["evaluated_at"]
        self._report(f"{source}: going on from step {self._step}")

    def _divergence(self, what):
        return InputError(
            f"step {self._step}: {what} is not finite, training has diverged; lower --lr, or start with "
            f"--softmax-steps or --warmup-steps (checkpoints of {self._args.prefix} stay as they are)"
        )

    @property
    def _is_first(self):
        """Whether this is the process, of those of a distributed run, that verifies and writes."""
        return self._parts.worker == 0


def _mean(figures, name):
    """A function that waits for a figure of the devices and returns its mean; None where the loss has none."""
    values = [getattr(figure, name) for figure in figures]
    if values[0] is None:
        return None
    return lambda: sum(float(value.asscalar()) for value in values) / len(values)
