"""A run of the alignment step: many photos on several processes, each crop once, every photo accounted for."""

import functools
import sys

from insightrec.deploy.alignment_flags import add_image_size, add_mtcnn, add_run_flags, folder_path
from insightrec.deploy.alignment_output import AlignmentOutput, refuse_nested
from insightrec.deploy.resumable_alignment import aligned_photos
from insightrec.megaface.alignment_table import FAILED, LIST, TABLE, write_tables
from insightrec.megaface.guided_alignment import HOW
from insightrec.megaface.photo_aligner import open_aligner
from insightrec.recordio_tools.errors import ListError

JOURNAL = "alignment.journal"
MEANING = dict(
    zip(
        HOW,
        (
            "given landmarks, and a face found about them",
            "given box, and a face found that overlaps it",
            "given box, taken for a face as it is",
            "given box, cut out and not aligned",
            "no box: the photo without its margins, not aligned",
        ),
    )
)


def add_flags(parser, photos_help, list_help):
    """Add the flags of a tool that aligns: ``--input-dir`` and ``--list``, with these helps, and what all share."""
    parser.add_argument("--input-dir", type=folder_path, required=True, metavar="DIR", help=photos_help)
    parser.add_argument("--list", metavar="FILE", help=list_help)
    parser.add_argument(
        "--output-dir",
        type=folder_path,
        required=True,
        metavar="DIR",
        help=f"folder for the crops, {LIST}, {TABLE} and {JOURNAL}",
    )
    add_image_size(parser)
    add_mtcnn(parser)
    add_run_flags(parser)
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="stop at a photo that cannot be read, or whose box or landmarks cannot be used; or leave it out, or align "
        f"it without them, and list it at the end and in {TABLE} (default: raise)",
    )


def run_alignment(args, photos):
    """Align photos as the flags say (`add_flags`), and print what became of them.

    Args:
        args: argparse namespace; ``input_dir`` is the folder that the photos are in.
        photos: list of `ProtocolPhoto`.

    Raises:
        ImageError: a photo cannot be read, or its box or landmarks not used, without ``--on-error skip``.
        ListError: there is no photo.
        InputError, OutputError, ModelError: the output folder or the detector cannot be used.
    """
    if not photos:
        raise ListError(f"{args.input_dir}: expected photos in the folder, found none; check --input-dir")
    output = AlignmentOutput.within(args.output_dir, LIST, TABLE, JOURNAL)
    refuse_nested(args.input_dir, output.crops)
    opener = functools.partial(open_aligner, args.mtcnn, args.image_size, output.crops)
    with aligned_photos(photos, opener, output, args) as journal:
        outcome = write_tables(output, photos, journal.read)
    _report(output, outcome)


def _report(output, outcome):
    total, missing = sum(outcome.counts.values()), outcome.counts[FAILED]
    print(f"{output.image_list}: {total - missing} crops of {total} photos")
    for how, meaning in MEANING.items():
        print(f"  {how:12}{outcome.counts[how]:9}  {meaning}")
    print(f"  {'no crop':12}{missing:9}  photo missing or damaged")
    if outcome.faults:
        photos = f"{outcome.faults} photo{'s' * (outcome.faults != 1)}"
        print(f"left out, or aligned without what is said of them: {photos}", file=sys.stderr)
        for fault in outcome.first:
            print(f"  {fault}", file=sys.stderr)
        if len(outcome.first) < outcome.faults:
            print(f"  ... all are in {output.table}", file=sys.stderr)
