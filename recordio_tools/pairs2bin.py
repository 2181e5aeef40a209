"""Make a verification pack (``lfw.bin``, ...) from aligned faces and a data set's pair list, or pairs drawn from them.

Image files go into the pack byte for byte; each is decoded once to see that it is whole and of the
stated size.
"""

import argparse
import contextlib
import functools
import os
from pathlib import Path
from typing import Callable, NamedTuple

from tqdm import tqdm

from insightrec.recordio_tools.agedb_pairs import read_agedb_pairs
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.cfp_pairs import cfp_protocol_files, read_cfp_pairs
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.crop_size import check_size
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.fold_layout import lay_out_folds
from insightrec.recordio_tools.folder_pairs import (
    choose_people,
    draw_folder_pairs,
    format_people,
    identity_folders,
)
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.lfw_pairs import read_lfw_pairs
from insightrec.recordio_tools.pair_list import FOLDS, find_image
from insightrec.recordio_tools.verification_pack import write_pack

DRAWN = "folders"
PAIRS_PER_FOLD = 30
_NAMED_MISSING = 5  # how many missing images an error names


class PairKind(NamedTuple):
    """A format of lists: its usual place in the root, and from its path the list of `Pair` and the files read."""

    default: str
    read: Callable
    files: Callable


def _cfp(protocol):
    read = functools.partial(read_cfp_pairs, protocol=protocol)
    return PairKind("Protocol", read, functools.partial(cfp_protocol_files, protocol=protocol))


KINDS = {
    "lfw": PairKind("pairs.txt", read_lfw_pairs, lambda path: [path]),
    "cfp_ff": _cfp("FF"),
    "cfp_fp": _cfp("FP"),
    "agedb": PairKind("pairs.txt", read_agedb_pairs, lambda path: [path]),
}


def read_pairs(kind, path):
    """The pairs of a data set's list.

    Args:
        kind: one of `KINDS`.
        path: list file, or CFP's Protocol folder.

    Returns:
        ``(pairs, facts)``: list of `Pair`, and what the pack's description says about them, a dict.

    Raises:
        ListError: the list cannot be read.
    """
    path = Path(path)
    pairs = KINDS[kind].read(path)
    files = [
        {"file": file.relative_to(path.parent).as_posix(), "sha256": sha256(file)} for file in KINDS[kind].files(path)
    ]
    return pairs, {"kind": kind, "sources": files}


def pack_pairs(pairs, facts, root, output, *, source, image_size=(112, 112), skip_missing=False, overwrite=False):
    """Write the pack of some pairs.

    Args:
        pairs, facts: as of `read_pairs`.
        root: folder of aligned faces, laid out as the list names them.
        output: the pack to write.
        source: what to call the list in an error.
        image_size: (height, width) every image must have.
        skip_missing: drop pairs that miss an image (`fold_layout` says how) instead of raising.
        overwrite: replace an existing pack.

    Returns:
        (facts, notes): the dict that the description beside the pack holds, and lines that say what
        was done to the list.

    Raises:
        ListError: images are missing.
        ImageError: an image is damaged or has another size.
        OutputError: ``output`` exists.
    """
    files = {path: find_image(root, path) for pair in pairs for path in (pair.path_a, pair.path_b)}
    present = [files[pair.path_a] is not None and files[pair.path_b] is not None for pair in pairs]
    if not all(present) and not skip_missing:
        raise _missing_error(source, root, files, present)
    layout = lay_out_folds(pairs, present, source)

    paths = [path for pair in layout.pairs for path in (pair.path_a, pair.path_b)]
    encoded = {}
    for path in tqdm(dict.fromkeys(paths), desc=str(output), unit="image", disable=None):
        encoded[path] = _read_image(files[path], image_size)
    description = {
        **facts,
        "image_size": list(image_size),
        "folds": FOLDS,
        "listed_pairs": len(pairs),
        "missing_pairs": present.count(False),
        "notes": layout.notes,
    }
    images, is_same = [encoded[path] for path in paths], [pair.is_same for pair in layout.pairs]
    return write_pack(output, images, is_same, description=description, overwrite=overwrite), layout.notes


def _missing_error(source, root, files, present):
    names = [path for path, file in files.items() if file is None]
    first = ", ".join(names[:_NAMED_MISSING]) + (", ..." if len(names) > _NAMED_MISSING else "")
    return ListError(
        f"{source}: {len(names)} of {len(files)} images are missing in {root} ({first}), so that "
        f"{present.count(False)} of {len(present)} pairs are incomplete; align them, or give --on-missing skip"
    )


def _read_image(file, size):
    data, image = read_image(file)
    check_size(image, size, file)
    return data


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="pairs2bin.py", description=__doc__)
    parser.add_argument(
        "--kind",
        required=True,
        choices=(*KINDS, DRAWN),
        help=f"whose pair list it is; {DRAWN} draws pairs from the folder of identity folders --root",
    )
    parser.add_argument(
        "--root",
        "--data-dir",
        required=True,
        metavar="DIR",
        help="aligned faces: <name>/<name>_0001.jpg (lfw), Data/Images/001/frontal/01.jpg (cfp), names as listed "
        "(agedb); a .png in place of a listed .jpg will do",
    )
    parser.add_argument(
        "--pairs",
        metavar="PATH",
        help="pair list, or CFP's Protocol folder (default: pairs.txt or Protocol in --root)",
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="pack to write; FILE.json describes it")
    parser.add_argument(
        "--image-size",
        type=image_size,
        default=(112, 112),
        metavar="H,W",
        help="height,width in pixels that every image must have (default: 112,112)",
    )
    parser.add_argument(
        "--on-missing",
        choices=("raise", "skip"),
        default="raise",
        help="pairs without an image: stop, or drop them and as many from every fold and kind (default: raise; "
        "lfw2pack dropped them in silence)",
    )
    drawn = parser.add_argument_group(f"for --kind {DRAWN}")
    drawn.add_argument(
        "--pairs-per-fold",
        type=whole_number(1),
        help=f"pairs of one person in each of {FOLDS} folds, and as many of two; no person is in two folds "
        f"(default: {PAIRS_PER_FOLD})",
    )
    drawn.add_argument("--people", type=whole_number(1), help="identities that pairs are drawn from (default: all)")
    drawn.add_argument("--seed", type=whole_number(0), help="of the draw (default: 0)")
    drawn.add_argument(
        "--people-list",
        metavar="FILE",
        help="also write the names of those identities, for face2rec.py --exclude to train on the others",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing pack (default: refuse)")
    args = parser.parse_args(argv)
    if args.kind == DRAWN and args.pairs:
        parser.error(f"--kind {DRAWN} draws its pairs; leave out --pairs")
    given = [flag for flag in ("pairs_per_fold", "people", "seed", "people_list") if getattr(args, flag) is not None]
    if args.kind != DRAWN and given:
        parser.error(f"--{given[0].replace('_', '-')} is for --kind {DRAWN}")
    written = [os.path.realpath(path) for path in (args.output, f"{args.output}.json", args.people_list) if path]
    if len(set(written)) < len(written):
        parser.error(f"--people-list: expected another file than {args.output} and {args.output}.json")
    return args


@tool
def main(argv=None):
    """Pack the pairs of a list, or drawn ones."""
    args = parse(argv)
    if args.kind == DRAWN:
        source, seed = args.root, args.seed or 0
        folders = identity_folders(args.root)
        if args.people:
            folders = choose_people(folders, args.people, seed)
        people = format_people(folders, args.root)
        pairs = draw_folder_pairs(folders, args.pairs_per_fold or PAIRS_PER_FOLD, seed, source)
        facts = {"kind": DRAWN, "people": len(folders), "seed": seed}
    else:
        source = args.pairs or Path(args.root, KINDS[args.kind].default)
        pairs, facts = read_pairs(args.kind, source)
    with contextlib.ExitStack() as stack:
        if args.people_list:  # opened before the pack is written, and named after it
            stack.enter_context(atomic_write(args.people_list, overwrite=args.overwrite)).write(people)
        written, notes = pack_pairs(
            pairs,
            facts,
            args.root,
            args.output,
            source=source,
            image_size=args.image_size,
            skip_missing=args.on_missing == "skip",
            overwrite=args.overwrite,
        )
    for note in notes:
        print(f"{source}: {note}")
    print(
        f"{args.output}: {written['pairs']} pairs ({written['same']} same, {written['different']} different) in "
        f"{FOLDS} folds, {written['distinct_images']} distinct images, {written['bytes']} bytes, sha256 "
        f"{written['sha256']}"
    )


if __name__ == "__main__":
    main()
