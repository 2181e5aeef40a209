"""Find and align the face in every photo of a folder of identities: crops, an image list, a table, a page."""

import argparse
import itertools
import os
import shlex
import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from insightrec.deploy.alignment_journal import AlignmentJournal
from insightrec.deploy.alignment_output import AlignmentOutput, results_to_keep
from insightrec.deploy.alignment_report import alignment_page
from insightrec.deploy.alignment_table import write_tables
from insightrec.deploy.crop_names import crop_names
from insightrec.deploy.face_aligner import DETECTION_SIDE, ON_MISSING
from insightrec.deploy.face_choice import RULES
from insightrec.deploy.mtcnn_weights import PACKAGE
from insightrec.deploy.photo_alignment import STATUSES, AlignmentSettings, PhotoJob, align_photo, open_alignment
from insightrec.deploy.process_map import process_map
from insightrec.deploy.proposal_stage import WINDOW
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face2rec import DEFAULT_SIZE, QUALITIES
from insightrec.recordio_tools.face_alignment import SIZES
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.image_codec import ENCODINGS

_MOST_NAMED = 5  # on the terminal


def plan(photos, encoding):
    """What is to be done for the folder of identity folders ``photos``.

    Returns:
        list of lists of `PhotoJob`, one for each identity folder that holds an image, in order.

    Raises:
        ListError: as `read_folders`.
    """
    rows, _, ignored = read_folders(photos)
    if ignored:
        print(f"files left out because they are no images of an identity folder: {ignored}")
    identities = []
    for _, group in itertools.groupby(rows, key=lambda row: row.label):
        paths = [row.path for row in group]
        names = crop_names([os.path.basename(path) for path in paths], encoding)
        identities.append([PhotoJob(path, f"{os.path.dirname(path)}/{name}") for path, name in zip(paths, names)])
    return identities


def parse(argv):
    """The command line, as an argparse namespace."""
    defaults = AlignmentSettings()
    parser = argparse.ArgumentParser(
        prog="align_faces.py",
        description=__doc__,
        epilog="Beside the folder OUTPUT stand OUTPUT.lst, from which face2rec makes the same crops out of the photos, "
        "OUTPUT.csv, a line for every photo, and OUTPUT.journal, from which a run is resumed. A crop is called as its "
        "photo; where two photos differ in their ending only, that is part of the name.",
    )
    parser.add_argument("--input", required=True, help="folder with one folder of photos per identity")
    parser.add_argument(
        "--output", required=True, help="folder for the crops, made anew, with the same folders as --input"
    )
    parser.add_argument(
        "--image-size",
        type=image_size,
        default=defaults.image_size,
        help="height,width of the crops in pixels, 112,112 or 112,96 (default: 112,112)",
    )
    parser.add_argument("--encoding", choices=ENCODINGS, default=defaults.encoding, help="of the crops (default: .jpg)")
    parser.add_argument(
        "--quality", type=int, help="JPEG 1..100 (default: 95), or PNG's compression 0..9 (default: 9); as face2rec"
    )
    detection = parser.add_argument_group("detection (MTCNN)")
    detection.add_argument(
        "--mtcnn",
        metavar="DIR",
        help=f"folder that holds InsightFace's det1 to det3, or det4 (default: the installed package {PACKAGE}, which "
        "has det1 to det3)",
    )
    detection.add_argument(
        "--min-face",
        type=whole_number(WINDOW),
        default=defaults.min_face,
        help="smallest face looked for, pixels of the photo, 12 or more (default: 20)",
    )
    detection.add_argument(
        "--thresholds",
        type=_thresholds,
        default=defaults.thresholds,
        help="least probability of a face in the three stages, each 0 to 1 (default: 0.6,0.7,0.8)",
    )
    detection.add_argument(
        "--factor",
        type=_factor,
        default=defaults.factor,
        help="between the sizes looked for, between 0 and 1; larger is slower and misses less (default: 0.709)",
    )
    detection.add_argument(
        "--no-refine", action="store_true", help="leave det4 out, which moves landmarks (default: used if it is there)"
    )
    detection.add_argument(
        "--detect-side",
        type=whole_number(64),
        default=defaults.detect_side,
        metavar="PIXELS",
        help="photos with a longer side are shrunk to it to find faces, and cropped as they are; what is then less "
        f"than {WINDOW} pixels is missed: in a photo of 6000 pixels, faces below 45 (default: {DETECTION_SIDE})",
    )
    parser.add_argument(
        "--choose",
        choices=RULES,
        default=defaults.choose,
        help="of several faces, the largest, or the one with the largest area - 2 * squared distance to the middle of "
        "the photo (default: central)",
    )
    parser.add_argument(
        "--on-missing",
        choices=ON_MISSING,
        default=defaults.on_missing,
        help="where no face is found, make no crop, or cut out the middle (default: skip)",
    )
    parser.add_argument(
        "--on-error",
        choices=("skip", "raise"),
        default="skip",
        help="of a photo that cannot be used, write the reason into the table and go on, or stop (default: skip, "
        "unlike the other tools: a large collection always has some)",
    )
    parser.add_argument(
        "--processes",
        type=whole_number(1),
        default=os.cpu_count() or 1,
        help="the output is the same; each takes about 150 MB, and 500 MB for photos of 60 Mpx (default: all cores)",
    )
    parser.add_argument(
        "--report", action="store_true", help="also write OUTPUT.html, crops and failures to look at (default: not)"
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume",
        action="store_true",
        help="go on where an earlier run with the same options ended: photos that are new, were changed (size or time) "
        "or failed are aligned, crops of photos that are gone are removed (default: refuse)",
    )
    existing.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote (default: refuse)"
    )
    args = parser.parse_args(argv)
    if args.image_size not in SIZES:
        parser.error("--image-size: expected 112,112 or 112,96, for which there is a template")
    lowest, highest, default = QUALITIES[args.encoding]
    args.quality = default if args.quality is None else args.quality
    if not lowest <= args.quality <= highest:
        parser.error(f"--quality: expected {lowest}..{highest} for {args.encoding}, found {args.quality}")
    folders = [Path(folder).resolve() for folder in (args.input, args.output)]
    if os.path.commonpath(folders) in map(str, folders):
        parser.error(f"--output: expected a folder that is not inside --input nor around it, found {args.output}")
    return args


def _thresholds(text):
    """argparse type of three probabilities."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not all(0 <= number <= 1 for number in numbers):
        raise argparse.ArgumentTypeError(f"expected three numbers of 0 to 1 such as 0.6,0.7,0.8, found {text!r}")
    return numbers


def _factor(text):
    """argparse type of a number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, found {text!r}")
    return number


@tool
def main(argv=None):
    """Align a folder of photos."""
    args = parse(argv)
    photos, output = Path(args.input), AlignmentOutput.at(args.output)
    args.mtcnn = args.mtcnn and str(Path(args.mtcnn).resolve())
    settings = AlignmentSettings(*(getattr(args, name) for name in AlignmentSettings._fields))
    settings.open_aligner()  # weights that are missing are noticed before anything is written
    identities = plan(photos, args.encoding)
    jobs = [job for identity in identities for job in identity]
    noted = {"input": str(photos.resolve()), **settings._asdict()}
    kept = results_to_keep(
        output, resume=args.resume, overwrite=args.overwrite, settings=noted, photos=photos, crops_of=dict(jobs)
    )
    with AlignmentJournal(output.journal, noted, kept) as journal:
        align_photos(jobs, journal, photos, output, settings, args)
        counts, crops = write_results(identities, journal, photos, output)
        if args.report:
            page = alignment_page((job.photo for job in jobs), journal.read, photos, output.crops, args.image_size)
            with atomic_write(output.page, overwrite=True) as file:
                file.write(page)
    print(f"aligned {len(jobs)} photos of {len(identities)} identities")
    for status in STATUSES:
        print(f"  {status:11}  {counts[status]}")
    for name, path in zip(("crops", "list", "table", "page"), output[: 4 if args.report else 3]):
        print(f"  {name:11}  {path}")
    if not crops:
        print(f"no crop was made; {output.table} says why")
        return
    list_foreign(output.crops, crops)
    size = "" if args.image_size == DEFAULT_SIZE else f" --image-size {args.image_size[0]},{args.image_size[1]}"
    print(f"next: insightrec face2rec --root {shlex.quote(str(output.crops))}{size}")


def align_photos(jobs, journal, photos, output, settings, args):
    """Align what the journal does not hold yet."""
    todo = [job for job in jobs if job.photo not in journal]
    results = process_map(
        align_photo,
        todo,
        processes=max(1, min(args.processes, len(todo))),
        start=open_alignment,
        start_args=(photos, output.crops, settings),
    )
    done = len(jobs) - len(todo)
    for result in tqdm(results, initial=done, total=len(jobs), unit="photo", disable=None):
        if result.status == "failed" and args.on_error == "raise":
            raise ImageError(f"{photos / result.photo}: {result.reason}")
        journal.append(result)


def write_results(identities, journal, photos, output):
    """Write list and table, and name some of the photos that failed.

    Returns:
        a Counter of the photos' statuses, and the set of the crops' paths.
    """
    counts, crops, failed = Counter(), set(), []

    def results_of(identity):
        results = [journal.read(job.photo) for job in identity]
        counts.update(result.status for result in results)
        crops.update(job.crop for job, result in zip(identity, results) if result.crop)
        failed.extend([result for result in results if result.status == "failed"][: _MOST_NAMED - len(failed)])
        return results

    write_tables(output.image_list, output.table, map(results_of, identities), photos)
    for result in failed:
        print(f"failed: {photos / result.photo}: {result.reason}", file=sys.stderr)
    if counts["failed"] > len(failed):
        print(f"failed: {counts['failed'] - len(failed)} more, see {output.table}", file=sys.stderr)
    return counts, crops


def list_foreign(folder, crops):
    """Name images in the folder of crops that are none of ``crops``."""
    foreign = [row.path for row in read_folders(folder)[0] if row.path not in crops]
    if foreign:
        names = ", ".join(foreign[:_MOST_NAMED]) + " ..." * (len(foreign) > _MOST_NAMED)
        said = f"{len(foreign)} not of this run, which face2rec would take for crops"
        print(f"{folder}: {said}: {names}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
