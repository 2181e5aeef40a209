"""Draw what the losses do: a 2-dimensional embedding of handwritten digits, trained with each of them."""

import argparse
import shlex

from tqdm import tqdm

from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import InputError
from insightrec.train.class_angles import class_angles
from insightrec.train.digit_figure import write_digit_figure
from insightrec.train.digit_images import NUM_DIGITS, mnist_digits, sklearn_digits
from insightrec.train.losses.loss_table import ENTRIES, find_loss, make_loss
from insightrec.train.train_options import parse as parse_training

LOSSES = "softmax,center,sphereface,cosface,arcface"
EPOCHS, MNIST_EPOCHS = 25, 1
FLAGS = "--margin-m 0.4 --margin-s 16 --margin 4 --beta 10 --beta-min 0 --gamma 1 --center-scale 0.1"
OWN_FLAGS = {
    "cosface": "--margin-m 0.15",
    "multiplicative_angle": "--margin 2",
    "combined": "--margin-m 0.2 --margin-b 0.1",
    "combined_monotone": "--margin-m 0.2 --margin-b 0.1",
}

DESCRIPTION = f"""Draw what the losses do: a 2-dimensional embedding of handwritten digits, trained with each of them.

A panel shows held-out digits, a colour for each, and the class weights as rays where only their
direction counts. Trained with an angular margin the classes become narrow spokes.

Ten classes on a circle are 36 degrees (0.63 rad) apart, so margins are smaller here than for faces:
those of train.py's flags {FLAGS},
for cosface {OWN_FLAGS["cosface"]}. A loss that normalises embeddings begins, for 0.4 of its steps, with modified
softmax (unit weights, embeddings of any length): later no class can get past another one.

The table has, for the held-out digits: accuracy; within, the mean angle of an embedding to the
centre of its class; between, the smallest angle of two centres; and between / within, which grows
as the classes separate. normface is arcface and cosface without a margin: --losses normface,arcface."""


@tool
def main(argv=None):
    """Train, print the table and write the picture."""
    args = _parse(argv)
    losses = {entry.name: make_loss(entry, _training_options(entry)) for entry in _entries(args.losses)}
    # Only training needs MXNet.
    from insightrec.train.digit_embedding import num_steps, train_digit_embedding

    digits = mnist_digits(args.mnist) if args.mnist else sklearn_digits(args.seed)
    epochs = args.epochs or (MNIST_EPOCHS if args.mnist else EPOCHS)
    panels = []
    with atomic_write(args.output, overwrite=args.overwrite) as file:
        with tqdm(total=num_steps(digits, epochs) * len(losses), unit="step", disable=None) as progress:
            progress.write(f"{'loss':20}  accuracy  within  between  between/within")
            for name, loss in losses.items():
                progress.set_description(name)
                embedding = train_digit_embedding(loss, digits, epochs, args.seed, progress.update)
                angles = class_angles(embedding.embeddings, embedding.labels)
                progress.write(
                    f"{name:20}  {embedding.accuracy:8.4f}  {angles.within:6.2f}  {angles.between:7.2f}  "
                    f"{angles.ratio:14.2f}"
                )
                panels.append((f"{name}\nheld out {embedding.accuracy:.1%}, {angles.within:.1f}° to centre", embedding))
        write_digit_figure(file, panels)
    print(f"{args.output}: {len(digits.test_labels)} held-out digits under {len(losses)} losses")


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="digits_picture.py", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--output", default="digits.png", help="PNG file to write (default: digits.png)")
    add("--losses", default=LOSSES, help=f"numbers or names, separated by commas (default: {LOSSES})")
    add(
        "--mnist",
        metavar="FOLDER",
        help="MNIST's four idx files, plain or .gz; its test set is held out (default: scikit-learn's 1797 digits of "
        "8x8 pixels, a quarter held out)",
    )
    add(
        "--epochs",
        type=whole_number(1),
        help=f"times each training image is seen (default: {EPOCHS}, of MNIST {MNIST_EPOCHS})",
    )
    add(
        "--seed",
        type=whole_number(0, 2**31 - 1),
        default=0,
        help="of initial weights, order and held-out digits; same seed, same picture (default: 0)",
    )
    add("--overwrite", action="store_true", help="replace the picture (default: refuse)")
    return parser.parse_args(argv)


def _entries(text):
    """The losses of the comma-separated numbers or names."""
    entries = [find_loss(name.strip()) for name in text.split(",")]
    for entry in entries:
        if entry.kind != "classes":
            known = ", ".join(other.name for other in ENTRIES if other.kind == "classes")
            raise InputError(f"--losses: {entry.name} has no classifier; choose among: {known}")
    return entries


def _training_options(entry):
    """The trainer's options for a loss on the digits."""
    options = parse_training(shlex.split(f"{FLAGS} {OWN_FLAGS.get(entry.name, '')}"))
    options.num_classes = NUM_DIGITS
    return options


if __name__ == "__main__":
    main()
