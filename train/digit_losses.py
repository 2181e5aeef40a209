"""Which losses can embed ten digits in the plane, and with what margins."""

import shlex

from insightrec.recordio_tools.errors import InputError
from insightrec.train.digit_images import NUM_DIGITS
from insightrec.train.losses.loss_table import ENTRIES, find_loss
from insightrec.train.train_options import parse

# Ten classes on a circle are 36 degrees apart: a margin is met if cos(margin_rad) > cos(36 degrees), 0.63 rad and
# 0.19 of the cosine at most. At larger scales the classes stay where they are before they have spread evenly.
FLAGS = "--margin-m 0.3 --margin-s 16 --margin 4 --beta 10 --beta-min 0 --gamma 1 --center-scale 0.1"
OWN_FLAGS = {
    "cosface": "--margin-m 0.15",
    "multiplicative_angle": "--margin 2",
    "combined": "--margin-m 0.2 --margin-b 0.1",
    "combined_monotone": "--margin-m 0.2 --margin-b 0.1",
}


def digit_losses(text):
    """Entries of the loss table for numbers or names, separated by commas.

    Raises:
        InputError: one is not known or has no classifier.
    """
    entries = [find_loss(name.strip()) for name in text.split(",")]
    for entry in entries:
        if entry.kind != "classes":
            known = ", ".join(other.name for other in ENTRIES if other.kind == "classes")
            raise InputError(f"--losses: {entry.name} has no classifier; choose among: {known}")
    return list(dict.fromkeys(entries))


def digit_options(entry, seed):
    """The trainer's options for a loss of the table on digits: the namespace that `make_loss` takes."""
    options = parse(shlex.split(f"{FLAGS} {OWN_FLAGS.get(entry.name, '')} --seed {seed}"))
    options.num_classes = NUM_DIGITS
    return options
