"""Find and align the face in every photo of a folder of identities: crops, an image list, a table, a page."""

import argparse
import functools
import itertools
import os
import shlex
import sys
from collections import Counter
from pathlib import Path

from insightrec.deploy.alignment_flags import add_image_size, add_mtcnn, add_run_flags, folder_path
from insightrec.deploy.alignment_output import AlignmentOutput, refuse_nested
from insightrec.deploy.alignment_report import alignment_page
from insightrec.deploy.alignment_table import write_tables
from insightrec.deploy.crop_names import crop_names
from insightrec.deploy.face_aligner import DETECTION_SIDE, ON_MISSING
from insightrec.deploy.face_choice import RULES
from insightrec.deploy.mtcnn import MAX_FACTOR
from insightrec.deploy.photo_alignment import STATUSES, AlignmentSettings, PhotoAlignment, PhotoJob
from insightrec.deploy.photo_result import PhotoResult
from insightrec.deploy.proposal_stage import WINDOW
from insightrec.deploy.resumable_alignment import aligned_photos
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import number_between, tool, whole_number
from insightrec.recordio_tools.encoding_flags import add_encoding_flags, encoding_quality
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face2rec import DEFAULT_SIZE
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.image_codec import JPEG_QUALITY
from insightrec.recordio_tools.image_suffixes import PHOTO_SUFFIXES

_MOST_NAMED = 5  # on the terminal


def plan(photos, encoding):
    """What is to be done for the folder of identity folders ``photos``.

    Returns:
        list of lists of `PhotoJob`, one for each identity folder that holds an image, in order; names of the others;
        and a list of `PhotoResult`, the files that are left out.

    Raises:
        ListError: as `read_folders`.
    """
    rows, empty, ignored = read_folders(photos, PHOTO_SUFFIXES)
    identities = []
    for _, group in itertools.groupby(rows, key=lambda row: row.label):
        paths = [row.path for row in group]
        names = crop_names([os.path.basename(path) for path in paths], encoding)
        identities.append([PhotoJob(path, f"{os.path.dirname(path)}/{name}") for path, name in zip(paths, names)])
    return identities, empty, [PhotoResult(path, None, "ignored", why_ignored(path)) for path in ignored]


def why_ignored(path):
    """Why a file of the folder of identity folders is no photo to align."""
    if not path.lower().endswith(PHOTO_SUFFIXES):
        return f"not an image's ending, which are {' '.join(PHOTO_SUFFIXES)}"
    return "in a folder within an identity's folder" if "/" in path else "not in an identity's folder"


def parse(argv):
    """The command line, as an argparse namespace."""
    defaults = AlignmentSettings()
    parser = argparse.ArgumentParser(
        prog="align_faces.py",
        description=__doc__,
        epilog="Beside the folder OUTPUT stand OUTPUT.lst, from which face2rec, with the same --image-size, --encoding "
        "and --quality, makes the same crops out of the photos, OUTPUT.csv, a line for every photo, and "
        "OUTPUT.journal, from which a run is resumed. A crop is called as its photo; where two photos differ in their "
        "ending only, that is part of the name. Exit status: 0 if there is a crop, also where other photos failed, "
        "which are counted and listed; 2 if there is none.",
    )
    parser.add_argument(
        "--input",
        type=folder_path,
        required=True,
        help="folder with one folder of photos per identity; names that begin with a dot are passed over",
    )
    parser.add_argument(
        "--output",
        type=folder_path,
        required=True,
        help="folder for the crops, made anew, with the same folders as --input",
    )
    add_image_size(parser)
    add_encoding_flags(parser, "the crops")
    detection = parser.add_argument_group("detection (MTCNN)")
    add_mtcnn(detection)
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
        type=number_between(0.01, MAX_FACTOR),
        default=defaults.factor,
        help=f"between the sizes looked for, 0.01 to {MAX_FACTOR}; larger is slower and misses less (default: 0.709)",
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
        help="where no face is found, or none that can be aligned, make no crop, or cut out the middle: as much in the "
        "crop's proportions as leaves 1/16 of the photo's shorter side on every side. InsightFace's centre crop is "
        "another, wider and stretched (default: skip)",
    )
    parser.add_argument(
        "--on-error",
        choices=("skip", "raise"),
        default="skip",
        help="of a photo that cannot be used, write the reason into the table and go on, or stop (default: skip, "
        "unlike the other tools: a large collection always has some)",
    )
    parser.add_argument(
        "--report", action="store_true", help="also write OUTPUT.html, crops and failures to look at (default: not)"
    )
    add_run_flags(parser)
    args = parser.parse_args(argv)
    args.quality = encoding_quality(parser, args)
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


@tool
def main(argv=None):
    """Align a folder of photos."""
    args = parse(argv)
    photos, output = Path(args.input), AlignmentOutput.beside(args.output)
    refuse_nested(photos, output.crops)
    settings = AlignmentSettings(*(getattr(args, name) for name in AlignmentSettings._fields))
    identities, empty, ignored = plan(photos, args.encoding)
    jobs = [job for identity in identities for job in identity]
    open_aligner = functools.partial(PhotoAlignment, photos, output.crops, settings)
    with aligned_photos(jobs, open_aligner, output, args) as journal:
        counts, crops = write_results(identities, ignored, journal, photos, output)
        if args.report:
            paths = (job.photo for job in jobs)
            page = alignment_page(paths, journal.read, photos, output.crops, args.image_size, ignored)
            with atomic_write(output.page, overwrite=True) as file:
                file.write(page)
    print_summary(identities, empty, ignored, counts, crops)
    for name, path in zip(("crops", "list", "table", "page"), output[: 4 if args.report else 3]):
        print(f"  {name:11}  {printable(str(path))}")
    if not crops:
        raise ImageError(f"{photos}: no crop was made of {len(jobs)} photos; {output.table} says why")
    list_foreign(output.crops, crops)
    print_next(output, args)


def print_summary(identities, empty, ignored, counts, crops):
    """Print what became of the photos, and which identities have no crop: face2rec gives those no label."""
    names, cropped = [os.path.dirname(jobs[0].crop) for jobs in identities], set(map(os.path.dirname, crops))
    without = [name for name in names if name not in cropped]
    print(f"aligned {sum(counts.values())} photos of {len(cropped)} identities")
    for status in STATUSES:
        print(f"  {status:11}  {counts[status]}")
    if ignored:
        print(f"  {'ignored':11}  {len(ignored)}  {first_of([result.photo for result in ignored])}")
    for what, some in (("photo", empty), ("crop", without)):
        if some:
            print(f"identities without a {what}: {len(some)} ({first_of(some)})")


def print_next(output, args):
    """Print how face2rec packs the crops; and how the same out of the photos, where that takes the same flags."""
    size = [] if args.image_size == DEFAULT_SIZE else ["--image-size", "{},{}".format(*args.image_size)]
    print("next:", shlex.join(["insightrec", "face2rec", f"--root={output.crops}", *size]))
    flags = [*size, "--encoding", args.encoding, "--quality", str(args.quality)]
    if flags != ["--encoding", ".jpg", "--quality", str(JPEG_QUALITY)]:
        image_list = f"{'./' * str(output.image_list).startswith('-')}{output.image_list}"
        said = "or, of the photos with the same --image-size, --encoding and --quality:"
        print(said, shlex.join(["insightrec", "face2rec", image_list, *flags]))


def write_results(identities, ignored, journal, photos, output):
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

    write_tables(output.image_list, output.table, map(results_of, identities), photos, ignored)
    for result in failed:
        print(f"failed: {printable(result.fault)}", file=sys.stderr)
    if counts["failed"] > len(failed):
        print(f"failed: {counts['failed'] - len(failed)} more, see {printable(str(output.table))}", file=sys.stderr)
    return counts, crops


def list_foreign(folder, crops):
    """Name images in the folder of crops that are none of ``crops``."""
    foreign = [row.path for row in read_folders(folder).rows if row.path not in crops]
    if foreign:
        said = f"{len(foreign)} not of this run, which face2rec would take for crops"
        print(f"{printable(str(folder))}: {said}: {first_of(foreign)}", file=sys.stderr)


def first_of(paths):
    """The first of some paths, for a line on the terminal."""
    return ", ".join(map(printable, paths[:_MOST_NAMED])) + " ..." * (len(paths) > _MOST_NAMED)


def printable(text):
    """A name as it can stand on one line: what cannot be shown, such as a line break, is escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


if __name__ == "__main__":
    sys.exit(main())
