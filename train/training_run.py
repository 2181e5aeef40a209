"""The training loop: steps, log, verification, checkpoints; and going on from a checkpoint as if never stopped."""

import contextlib
import math
import os
import warnings

import numpy as np

from insightrec.recordio_tools.command_line import list_skipped
from insightrec.recordio_tools.errors import ImageError, InputError, ModelError, OutputError
from insightrec.train.checkpoint import check_prefix, has_models, newest_checkpoint, read_checkpoint, write_checkpoint
from insightrec.train.interruption import Interruption
from insightrec.train.learning_rate import LearningRate, lr_steps
from insightrec.train.save_rule import NEVER, SaveRule
from insightrec.train.train_options import END_EPOCH
from insightrec.train.training_log import SPEED_EVERY, TRIPLET_SPEED_EVERY, TrainingLog
from insightrec.train.training_state import restore_checkpoint, take_checkpoint

CHECK_EVERY = 20  # steps after which the loss is waited for and looked at
ANNEALED = ("sphereface", "lsoftmax")  # losses whose margin, and with it the schedule, --beta-freeze delays
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
        delay = args.beta_freeze if training.entry.name in ANNEALED else 0
        steps = lr_steps(args.lr_steps, training.entry, training.global_batch, delay)
        self._rate = LearningRate(args.lr, steps, args.warmup_steps)
        self._rule = SaveRule(args.ckpt)
        self._step = 0
        self._epoch, self._batch_of_epoch = None, 0
        self._evaluated_at = self._saved_at = None
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
                    failure = self._step_and_evaluate(batches)
                    if isinstance(failure, BrokenPipeError):  # whoever read the log is gone, as after Ctrl-C on a pipe
                        with contextlib.suppress(BrokenPipeError):
                            self._save_whatever_the_rule()
                    if parts.agreement.settle(stop.requested, failure):
                        self._save_whatever_the_rule()
                        raise KeyboardInterrupt
            if self._evaluated_at != self._step and self._is_first:
                self._verify()  # not one of the evaluations that number the checkpoints
            self._save_whatever_the_rule()
        list_skipped(list(parts.batches.errors.values()), "image")

    def _check_prefix(self):
        """Every worker refuses alike, so that none is left waiting for one that stopped."""
        prefix, pretrained = self._args.prefix, self._args.pretrained.rpartition(",")[0]
        if self._existing == "remove" and pretrained and os.path.abspath(pretrained) == os.path.abspath(prefix):
            raise OutputError(f"--overwrite: would remove --pretrained {pretrained} too; choose another --prefix")
        check_prefix(prefix, existing="keep" if self._existing == "remove" else self._existing)

    def _open_log(self):
        """The log of this process; of a distributed run only the first gives TensorBoard scalars."""
        args, parts = self._args, self._parts
        return TrainingLog(
            parts.global_batch,
            every=TRIPLET_SPEED_EVERY if parts.entry.kind == "triplets" else SPEED_EVERY,
            first_step=self._step,
            last_step=self._last_step(),
            tensorboard=args.tensorboard if self._is_first else None,
        )

    def _last_step(self):
        """The step after which training ends, None where that is open."""
        args, parts = self._args, self._parts
        if args.max_steps or parts.entry.kind != "classes" or args.end_epoch == END_EPOCH:
            return args.max_steps or None
        return math.ceil(args.end_epoch * len(parts.faces) / parts.global_batch)

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

    def _step_and_evaluate(self, batches):
        """One step, and the evaluation that may be due; returns what it failed with, or None.

        Whatever fails, the worker takes part in the sum of the gradients, which the others wait for.
        """
        try:
            self._train_on(batches)
            if self._step % self._args.verbose == 0:
                self._evaluate()
        except (InputError, OSError) as failure:
            return failure
        return None

    def _train_on(self, batches):
        parts = self._parts
        epoch = parts.batches.epoch
        try:
            batch = next(batches)
        except InputError:
            parts.step.skip()
            self._save_unless_distributed()
            raise
        self._batch_of_epoch = self._batch_of_epoch + 1 if epoch == self._epoch else 0
        self._epoch = epoch
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
        try:
            accuracies = self._verify() if self._is_first else []
        except ImageError:  # of a pack, after hours
            self._save(LATEST)
            raise
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

    def _save_unless_distributed(self):
        """Keep what was learnt before the data turned out to be damaged."""
        if self._step and self._parts.num_workers == 1:
            self._save(LATEST)

    def _save_whatever_the_rule(self):
        if self._saved_at != self._step:
            self._save(self._rule.closing_index(at_evaluation=self._evaluated_at == self._step))

    def _save(self, index):
        if not self._is_first:
            return
        checkpoint = self._checkpoint()
        if not all(np.isfinite(array).all() for array in checkpoint.params.values()):
            raise self._divergence("a parameter")
        if self._existing == "remove":  # only now: a run that cannot even start costs nothing
            check_prefix(self._args.prefix, existing="remove")
            self._existing = "keep"
        write_checkpoint(self._args.prefix, index, checkpoint)
        if index != LATEST:
            self._saved_at = self._step
            self._log.saving(index)

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
        agreement, failure, restored = self._parts.agreement, None, ""
        try:
            restored = self._restore_newest()
        except InputError as error:
            failure = error
        agreement.settle(False, failure)
        agreement.check_same(restored, self._args.prefix)

    def _restore_newest(self):
        """Go on from the newest checkpoint; returns what tells it from others, ``""`` where there is none."""
        prefix = self._args.prefix
        index = newest_checkpoint(prefix)
        if index is None and has_models(prefix):
            raise ModelError(
                f"--resume: the models of --prefix {prefix} have no training state; choose another --prefix and start "
                "from one of them with --pretrained"
            )
        if index is None:
            warnings.warn(f"--resume: {prefix} has no checkpoint with a state yet; starting anew", stacklevel=2)
            return ""
        self._existing = "keep"
        source = f"{prefix}-{index:04d}"
        checkpoint = read_checkpoint(prefix, index)
        progress = restore_checkpoint(self._args, self._parts, checkpoint, source)
        self._rule.load_state(progress["rule"])
        self._step, self._epoch = progress["step"], progress["epoch"]
        self._batch_of_epoch, self._evaluated_at = progress["batch_of_epoch"], progress["evaluated_at"]
        self._saved_at = self._step if index != LATEST else None
        self._report(f"{source}: going on from step {self._step}")
        return f"{index} {self._step} {checkpoint.written}"

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
