"""Draw a folder of made-up aligned faces, and the list of pairs to verify.

The pictures are synthetic drawings (`synthetic_faces`), not photographs: enough of a face for every step of the
toolkit to be tried and tested on, with nobody's portrait in it. They are laid out and named as LFW's are,
``<name>/<name>_<number>.jpg``, and the pairs are in the format of LFW's ``pairs.txt``.
"""

import argparse
import re
import shutil
from pathlib import Path

import numpy as np
from tqdm import tqdm

from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.image_codec import JPEG_QUALITY, encode_rgb
from insightrec.recordio_tools.pair_list import FOLDS
from insightrec.recordio_tools.synthetic_faces.face import draw_face
from insightrec.recordio_tools.synthetic_faces.factors import FaceIdentity, person_rng
from insightrec.recordio_tools.synthetic_faces.pairs import draw_pairs, format_pairs, person_name
from insightrec.recordio_tools.synthetic_faces.pose import CROP

SHEET_ROWS, SHEET_COLUMNS = 24, 12
SIDES = range(16, 513)  # pixels; below, a face is a few dots
PAIRS_NAME = "pairs.txt"
_OWN_FILE = re.compile(rf"person_\d{{4,}}(/person_\d{{4,}}_\d{{4,}}\.jpg)?|{re.escape(PAIRS_NAME)}")


def draw_person(seed, person, images, size=CROP):
    """Pictures 1 to ``images`` of one person: a list of uint8 RGB (H, W, 3), ``size`` is (H, W)."""
    identity = FaceIdentity.sample(person_rng(seed, person))
    return [draw_face(identity, person_rng(seed, person, number), size) for number in range(1, images + 1)]


def write_faces(output, people, images, *, seed=0, size=CROP, quality=JPEG_QUALITY, overwrite=False):
    """Draw ``images`` pictures of each of ``people`` (a sequence of int) into the folder ``output``.

    The folder is filled under another name and appears when it is whole. What a killed run leaves under that
    name is removed by the next run, which starts again: a thousand pictures take seconds.

    Returns:
        a contact sheet, uint8 RGB: the first `SHEET_COLUMNS` pictures of the first `SHEET_ROWS` people, a row each.

    Raises:
        OutputError: ``output`` exists and ``overwrite`` is false; or it, or what a killed run left, holds
            anything but drawn faces.
    """
    output = Path(output).absolute()
    refuse_existing([output], overwrite)
    partial, replaced = (output.with_name(f".{output.name}.{state}") for state in ("partial", "replaced"))
    for folder in (output, partial, replaced):
        _refuse_foreign(folder)
    for leftover in (partial, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    rows = []
    try:
        for person in tqdm(people, unit="person", disable=None):
            pictures = draw_person(seed, person, images, size)
            folder = partial / person_name(person)
            folder.mkdir(parents=True)
            for number, picture in enumerate(pictures, 1):
                name = f"{folder.name}_{number:04d}.jpg"
                (folder / name).write_bytes(encode_rgb(picture, ".jpg", quality))
            if len(rows) < SHEET_ROWS:
                rows.append(np.hstack(pictures[:SHEET_COLUMNS]))
        if output.exists():
            output.rename(replaced)
        partial.rename(output)
        shutil.rmtree(replaced, ignore_errors=True)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return np.vstack(rows)


def _refuse_foreign(folder):
    """Raise `OutputError` if ``folder`` holds what this tool does not write; replacing it would lose that."""
    if not folder.exists():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise OutputError(f"{folder}: expected a folder, found something else; choose another output")
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).as_posix()
        if not _OWN_FILE.fullmatch(inside):
            raise OutputError(f"{folder}: holds {inside}, which is not a drawn face; choose another output")


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="draw_faces.py",
        description="Draw a folder of made-up aligned faces. These are synthetic drawings, not photographs of people: "
        "for demonstrations and tests, not for training or judging a real recognizer.",
    )
    parser.add_argument("--output", required=True, help="folder to create, with one folder a person inside")
    parser.add_argument("--identities", type=whole_number(1), default=60, help="number of persons (default: 60)")
    parser.add_argument("--images", type=whole_number(1), default=12, help="pictures of each person (default: 12)")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="what to draw everything from (default: 0)")
    parser.add_argument(
        "--first-identity",
        type=whole_number(0),
        default=0,
        help="number of the first person; a person depends on this number and the seed only, so ranges that do not "
        "overlap give other people, to train and to test on (default: 0)",
    )
    parser.add_argument(
        "--size", type=image_size, default=CROP, help="height,width of a picture in pixels (default: 112,112)"
    )
    parser.add_argument(
        "--quality",
        type=whole_number(1, 100),
        default=JPEG_QUALITY,
        help="JPEG quality of the files, 1..100 (default: 95)",
    )
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        help=f"also write pairs to verify, as LFW's pairs.txt; <output>/{PAIRS_NAME} is where pairs2bin looks "
        "(default: none)",
    )
    parser.add_argument("--folds", type=whole_number(1), default=FOLDS, help="folds of --pairs (default: 10)")
    parser.add_argument(
        "--pairs-per-fold",
        type=whole_number(1),
        default=30,
        help="pairs of one person in each fold of --pairs, and as many of two persons (default: 30)",
    )
    parser.add_argument(
        "--contact-sheet",
        metavar="FILE.png",
        help=f"also write one picture to look at, a row a person, at most {SHEET_ROWS} rows (default: none)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run drew (default: refuse)")
    args = parser.parse_args(argv)
    if not all(side in SIDES for side in args.size):
        parser.error(f"--size: expected sides of {SIDES[0]} to {SIDES[-1]} pixels, found {args.size}")
    if args.contact_sheet and Path(args.contact_sheet).resolve().is_relative_to(Path(args.output).resolve()):
        parser.error(f"--contact-sheet: expected a file outside {args.output}, found {args.contact_sheet}")
    return args


@tool
def main(argv=None):
    """Draw the faces, then what was asked for besides."""
    args = parse(argv)
    refuse_existing([path for path in (args.output, args.pairs, args.contact_sheet) if path], args.overwrite)
    people = range(args.first_identity, args.first_identity + args.identities)
    if args.pairs:
        pairs = draw_pairs(people, args.images, args.folds, args.pairs_per_fold, np.random.default_rng(args.seed))
    sheet = write_faces(
        args.output,
        people,
        args.images,
        seed=args.seed,
        size=args.size,
        quality=args.quality,
        overwrite=args.overwrite,
    )
    if args.pairs:
        with atomic_write(args.pairs, overwrite=args.overwrite) as file:
            file.write(format_pairs(pairs).encode())
    if args.contact_sheet:
        with atomic_write(args.contact_sheet, overwrite=args.overwrite) as file:
            file.write(encode_rgb(sheet, ".png"))
    print(f"{args.output}: drew {args.identities} identities, {args.identities * args.images} images")


if __name__ == "__main__":
    main()
