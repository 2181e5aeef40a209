"""Draw what the losses do: a 2-dimensional embedding of handwritten digits, trained with each of them."""

import argparse

from tqdm import tqdm

from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.train.class_angles import class_angles
from insightrec.train.digit_figure import write_digit_figure
from insightrec.train.digit_images import mnist_digits, sklearn_digits
from insightrec.train.digit_losses import FLAGS, OWN_FLAGS, digit_losses, digit_options
from insightrec.train.losses.loss_table import make_loss

LOSSES = "softmax,center,sphereface,cosface,arcface"
EPOCHS, MNIST_EPOCHS = 25, 1
_OWN_LINES = "\n".join(f"  {name}: {flags}" for name, flags in OWN_FLAGS.items())

DESCRIPTION = f"""Draw what the losses do: a 2-dimensional embedding of handwritten digits, trained with each of them.

A panel shows held-out digits, a colour for each, and the class weights as rays where only their direction
counts. Under the angular losses the classes become narrow spokes.

Ten classes on a circle are 36 degrees (0.63 rad, cosine 0.81) apart, so margins and scales are smaller here
than for faces. In train.py's flags:
  {FLAGS}
{_OWN_LINES}
Losses of unit class weights begin, for 0.6 of the steps, with modified softmax (no margin, embeddings of any
length): on the circle no class gets past another one later.

The table has, for the held-out digits: accuracy; within, the mean angle of an embedding to the centre of its
class, and between, the smallest angle of two centres, in degrees; and between / within, which grows as the
classes separate. Most of the difference to softmax and center is that these may tell classes apart by length too,
so that some lie near the origin; the margin's own part is the smaller difference to normface, which has none."""


@tool
def main(argv=None):
    """Train, print the table and write the picture."""
    args = _parse(argv)
    entries = digit_losses(args.losses)
    digits = mnist_digits(args.mnist) if args.mnist else sklearn_digits(args.seed)
    # Only training needs MXNet.
    from insightrec.train.digit_embedding import num_steps, train_digit_embedding

    losses = {entry.name: make_loss(entry, digit_options(entry, args.seed)) for entry in entries}
    epochs = args.epochs or (MNIST_EPOCHS if args.mnist else EPOCHS)
    panels = []
    with atomic_write(args.output, overwrite=args.overwrite) as file:
        with tqdm(total=num_steps(digits, epochs) * len(losses), unit="step", disable=None) as progress:
            progress.write(f"{'loss':20}  accuracy  within  between  between / within")
            for name, loss in losses.items():
                progress.set_description(name)
                embedding = train_digit_embedding(loss, digits, epochs, args.seed, progress.update)
                angles = class_angles(embedding.embeddings, embedding.labels)
                progress.write(
                    f"{name:20}  {embedding.accuracy:8.4f}  {angles.within:6.2f}  {angles.between:7.2f}  "
                    f"{angles.ratio:16.2f}"
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


if __name__ == "__main__":
    main()
