"""What training prints: InsightFace's log lines, which plot scripts parse, a progress bar, and TensorBoard scalars."""

import sys
import time

from tqdm import tqdm

from insightrec.recordio_tools.errors import InputError

RATE_EVERY = 1000  # steps between lines with the learning rate
SPEED_EVERY, TRIPLET_SPEED_EVERY = 20, 2  # steps between lines with speed and metrics


class TrainingLog:
    """Lines on standard output, a bar on standard error where that is a terminal; a context manager.

    Args:
        batch: images a step, over all devices and workers.
        every: steps between two speed lines.
        first_step: steps done before, by the run that is resumed.
        last_step: steps after which training ends; None if unknown, then no time left is shown.
        tensorboard: folder for TensorBoard scalars, or None.
        clock: gives the time in seconds.

    Raises:
        InputError: ``tensorboard`` is asked for and tensorboardX is not installed.
    """

    def __init__(
        self, batch, *, every=SPEED_EVERY, first_step=0, last_step=None, tensorboard=None, clock=time.perf_counter
    ):
        self._batch = batch
        self._every = every
        self._clock = clock
        self._metrics = {}  # name to the values since the last speed line
        self._writer = _summary_writer(tensorboard, first_step) if tensorboard else None
        self._bar = tqdm(
            desc="training",
            total=last_step and last_step * batch,
            initial=first_step * batch,
            unit="image",
            unit_scale=True,
            dynamic_ncols=True,
            disable=None,
        )
        self.restart_clock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bar.close()
        if self._writer:
            self._writer.close()

    def step(self, step, epoch, batch_of_epoch, rate, metrics):
        """A step is done.

        Args:
            step: steps done so far, this one included.
            epoch, batch_of_epoch: from 0, as the lines give them.
            rate: learning rate of the step.
            metrics: dict of name to the step's value: a number, or a function without arguments that gives it. A
                function is called only when a line is due, so that a value on a device is not waited for before.
                Lines give the mean over the steps since the last line, in the dict's order (``acc``, ``lossvalue``).
        """
        self._steps += 1
        for name, value in metrics.items():
            self._metrics.setdefault(name, []).append(value)
        if step % self._every == 0:
            self._speed_line(step, epoch, batch_of_epoch, rate)
        self._bar.update(self._batch)
        if step % RATE_EVERY == 0:
            self.line(f"lr-batch-epoch: {rate:.12g} {batch_of_epoch} {epoch}")

    def verification(self, step, target, xnorm, accuracy, std):
        """A pack was verified: mean norm of its embeddings, mean and deviation over folds of Accuracy-Flip (0..1)."""
        self.line(f"[{target}][{step}]XNorm: {xnorm:f}")
        self.line(f"[{target}][{step}]Accuracy-Flip: {accuracy:.5f}+-{std:.5f}")
        self.scalars(step, {f"{target}/XNorm": xnorm, f"{target}/Accuracy-Flip": accuracy})

    def highest(self, step, accuracy):
        """The best accuracy so far of the last pack, 0..1."""
        self.line(f"[{step}]Accuracy-Highest: {accuracy:.5f}")
        self.scalars(step, {"Accuracy-Highest": accuracy})

    def saving(self, index):
        """Checkpoint ``index`` is about to be written."""
        self.line(f"saving {index}")

    def line(self, text):
        """Print a line of any other kind, above the bar."""
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()  # a log file can be followed

    def scalars(self, step, values):
        """Give TensorBoard scalars, if it was asked for: dict of tag to number."""
        if self._writer:
            for tag, value in values.items():
                self._writer.add_scalar(tag, value, step)

    def restart_clock(self):
        """Count the speed from now on: called after a verification or a save, which are no training."""
        self._started = self._clock()
        self._steps = 0

    def _speed_line(self, step, epoch, batch_of_epoch, rate):
        means = {name: sum(map(_number, values)) / len(values) for name, values in self._metrics.items()}
        speed = self._steps * self._batch / max(self._clock() - self._started, 1e-9)  # values were waited for: all done
        columns = "".join(f"\t{name}={mean:f}" for name, mean in means.items())
        self.line(f"Epoch[{epoch}] Batch [{batch_of_epoch}]\tSpeed: {speed:.2f} samples/sec{columns}")
        self._bar.set_postfix({name: f"{mean:.4f}" for name, mean in means.items()}, refresh=False)
        tags = {f"train/{name}": mean for name, mean in means.items()}
        self.scalars(step, {**tags, "train/images_per_second": speed, "train/learning_rate": rate})
        self._metrics = {}
        self.restart_clock()


def _number(value):
    return float(value() if callable(value) else value)


def _summary_writer(folder, first_step):
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise InputError(f"--tensorboard: {error}; run: pip install tensorboardX") from None
    # What the resumed run drew beyond its checkpoint is taken back.
    return SummaryWriter(str(folder), purge_step=first_step + 1 if first_step else None)
