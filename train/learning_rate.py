"""The learning rate as a function of the step: InsightFace's step schedule, and a linear warm-up before it."""

import re
from dataclasses import dataclass

from insightrec.recordio_tools.errors import InputError

DROP = 0.1  # factor at every step of the schedule
REFERENCE_BATCH = 512  # images; the default steps below are for batches of this size
MARGIN_STEPS = (100_000, 140_000, 160_000)  # losses 1 to 7, the margins on a softmax
OTHER_STEPS = (40_000, 60_000, 80_000)


@dataclass(frozen=True)
class LearningRate:
    """A base rate, divided by 10 at every one of ``steps``.

    Args:
        base: the rate at the start.
        steps: increasing numbers of finished steps at which the rate falls, see `lr_steps`.
        warmup_steps: steps over which the rate grows linearly to ``base``; 0 for none, as upstream.
    """

    base: float
    steps: tuple = ()
    warmup_steps: int = 0

    def at(self, step):
        """The rate of the next step when ``step`` steps are done. A pure function, so that resume is exact."""
        rate = self.base * min(1, (step + 1) / self.warmup_steps) if self.warmup_steps else self.base
        for drop in self.steps:
            if step >= drop:
                rate *= DROP  # one by one: rounds as upstream's running product does
        return rate


def lr_steps(text, entry, batch, delay=0):
    """Steps at which the rate falls, for `LearningRate`.

    Args:
        text: ``--lr-steps``: numbers separated by commas, taken as they are; empty for the loss's default, which is
            `MARGIN_STEPS` or `OTHER_STEPS` times 512 / ``batch``, rounded down, and for triplets never.
        entry: the loss; its ``number`` (None for losses without one) and ``kind`` are looked at. Losses on the class
            weights that have no number are variants of the margins and take their steps.
        batch: images a step over all devices and workers.
        delay: added to every step: ``--beta-freeze`` of SphereFace, whose annealing starts so much later.

    Raises:
        InputError: ``text`` is no list of increasing step numbers.
    """
    if text:
        steps = _parse(text)
    elif entry.kind == "triplets":
        steps = ()
    else:
        margin = 1 <= entry.number <= 7 if entry.number is not None else entry.kind == "classes"
        steps = (int(step * (REFERENCE_BATCH / batch)) for step in (MARGIN_STEPS if margin else OTHER_STEPS))
    return tuple(step + delay for step in steps)


def _parse(text):
    parts = [part.strip() for part in text.split(",")]
    steps = [int(part) for part in parts if re.fullmatch(r"[0-9]{1,18}", part)]
    if len(steps) != len(parts) or steps[0] < 1 or steps != sorted(set(steps)):
        raise InputError(
            f"--lr-steps: expected increasing numbers of steps separated by commas, such as 100000,140000,160000, "
            f"found {text!r}"
        )
    return steps
