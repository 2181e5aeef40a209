"""Pack aligned faces into an identity-indexed record set (train.rec, train.idx, property, train.lst)."""

import argparse
import os
import sys
from pathlib import Path
from typing import NamedTuple, Optional

from insightrec.recordio_tools.command_line import add_on_error, image_size, list_skipped, tool, whole_number
from insightrec.recordio_tools.encoding_flags import add_encoding_flags, encoding_quality
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.face_packing import FaceCodec, check_rows, group_rows, pack_faces
from insightrec.recordio_tools.face_set_writer import create_face_set
from insightrec.recordio_tools.identity_exclusion import exclude_identities, read_exclusions
from insightrec.recordio_tools.list_file import read_list
from insightrec.recordio_tools.property_file import SetProperty, read_property
from insightrec.recordio_tools.usable_cores import usable_cores

DEFAULT_SIZE = (112, 112)
INERT = ("list", "exts", "chunks", "train-ratio", "test-ratio", "recursive", "shuffle", "pack-label")


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="face2rec.py",
        description=__doc__,
        epilog=f"Accepted for scripts written for face2rec2, without effect there and here: --{', --'.join(INERT)}.",
    )
    parser.add_argument(
        "prefix",
        nargs="?",
        help="a folder, or the beginning of a path: every .lst in that folder whose path begins so is packed to a "
        ".rec beside it (face2rec2's form); image paths are relative to the current folder or, where the first is not "
        "found there, to the list's folder",
    )
    parser.add_argument("--root", help="instead of PREFIX: a folder with one folder of aligned faces per identity")
    parser.add_argument("--output", help="folder for the set (default: the folder that holds --root, or the list's)")
    parser.add_argument(
        "--exclude",
        metavar="LIST",
        help="file of identities to leave out, one a line in the last tab-separated column: folder names with --root, "
        "else labels; the rest is numbered anew from 0 (default: none)",
    )
    parser.add_argument(
        "--image-size",
        type=image_size,
        help="height,width in pixels that every face has or is warped to (default: from property, else 112,112)",
    )
    add_encoding_flags(parser, "faces warped here")
    parser.add_argument(
        "--color",
        type=int,
        choices=(1, 0, -1),
        default=1,
        help="0 gray, else color, for faces warped here (default: 1)",
    )
    parser.add_argument(
        "--num-thread",
        type=whole_number(1),
        default=usable_cores(),
        help="threads; the output is the same (default: all cores)",
    )
    parser.add_argument(
        "--label-dialect",
        choices=("pair", "scalar"),
        default="pair",
        help="store [class, aligned] as face2rec2 does, or the class alone (default: pair)",
    )
    parser.add_argument(
        "--keep-order",
        action="store_true",
        help="keep a list's order, one identity for each run of a label as face2rec2 makes (default: group by label)",
    )
    parser.add_argument(
        "--allow-rounded-ranges",
        action="store_true",
        help="write identity ranges above 2^24 that float32 rounds (default: refuse)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing set (default: refuse)")
    add_on_error(parser, "image")
    for name in INERT:
        parser.add_argument(f"--{name}", nargs="+" if name == "exts" else "?", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if (args.prefix is None) == (args.root is None):
        parser.error("give either PREFIX or --root")
    args.quality = encoding_quality(parser, args)
    return args


@tool
def main(argv=None):
    """Pack ``--root`` or every list of PREFIX."""
    args = parse(argv)
    jobs = [root_job(args)] if args.root is not None else list_jobs(lists_of(args.prefix), args)
    for job in jobs:
        pack(job, args)


class Job(NamedTuple):
    """One set to write.

    rows: list of `ListRow`, whose relative paths are relative to ``folder``. source: the list or
    folder they come from. stem: name of the files in ``output``. list_folder: prefix of the paths in
    the ``.lst`` to write, None to write none.
    """

    rows: list
    source: Path
    folder: Path
    output: Path
    stem: str
    num_classes: int
    image_size: tuple
    list_folder: Optional[str] = None
    write_property: bool = True


def root_job(args):
    """The set of a folder of identity folders."""
    root = Path(args.root)
    rows, empty, ignored = read_folders(root)
    if empty:
        print(f"{len(empty)} folders hold no image and get no label: {', '.join(empty[:5])}{' ...' * (len(empty) > 5)}")
    if ignored:
        print(f"files left out because they are no images of an identity folder: {len(ignored)}")
    rows = without_excluded(rows, args.exclude, lambda row: row.path.partition("/")[0])
    beside = root.parent if root.name not in ("", "..") else root.resolve().parent
    output = Path(args.output) if args.output else beside
    inside = output.resolve() in root.resolve().parents
    list_folder = os.path.relpath(root.resolve(), output.resolve()) if inside else str(root.resolve())
    size = args.image_size or DEFAULT_SIZE
    return Job(rows, root, root, output, "train", rows[-1].label + 1, size, list_folder)


def list_jobs(paths, args):
    """The sets of the image lists of one folder, which share its ``property``."""
    if args.exclude and len(paths) > 1:  # they share one numbering
        raise ListError(f"--exclude: expected one image list, found {len(paths)}; name the whole list as PREFIX")
    lists = [(path, read_rows(path, args)) for path in paths]
    folder = paths[0].parent
    output = Path(args.output) if args.output else folder
    num_classes = 1 + max(row.label for _, rows in lists for row in rows)
    (num_classes, *size), kept = shared_property(folder / "property", num_classes, args)
    keeps_property = kept and output.resolve() == folder.resolve()
    return [
        Job(
            rows,
            path,
            base_folder(rows, path),
            output,
            path.stem,
            num_classes,
            tuple(size),
            write_property=not keeps_property and number == 0,
        )
        for number, (path, rows) in enumerate(lists)
    ]


def without_excluded(rows, exclusions, name_of):
    """``rows`` without the identities that the file ``exclusions`` names, if any; says how many those are."""
    if exclusions is None:
        return rows
    names = read_exclusions(exclusions)
    kept = exclude_identities(rows, names, name_of, exclusions)
    print(f"{exclusions}: {len(names)} identities with {len(rows) - len(kept)} images left out")
    return kept


def read_rows(path, args):
    """The rows of one list, grouped by label unless ``--keep-order``; says what is unusual about it."""
    rows, from_im2rec = read_list(path)
    rows = without_excluded(rows, args.exclude, lambda row: str(row.label))
    if from_im2rec:
        print(f"{path}: im2rec's columns (index label path): taken as aligned images in the list's order")
    if args.keep_order:
        return rows
    rows, runs, labels = group_rows(rows)
    if runs > labels:
        print(
            f"{path}: {labels} labels in {runs} runs: grouped by label; "
            f"--keep-order keeps the list's order and writes {runs} identities"
        )
    return rows


def shared_property(path, num_classes, args):
    """``(SetProperty, kept)``: that of the file if it fits, else what the lists need.

    A file that does not fit is an error, or is written anew with ``--overwrite``. Labels beyond its
    classes are left to `check_rows`, which names the line.

    Raises:
        ListError: ``--image-size`` differs from the file, without ``--overwrite``.
    """
    if not path.is_file():
        return SetProperty(num_classes, *(args.image_size or DEFAULT_SIZE)), False
    declared = read_property(path)
    needed = SetProperty(max(num_classes, declared.num_classes), *(args.image_size or declared[1:]))
    if args.exclude:  # the file counts those that are left out
        return needed._replace(num_classes=num_classes), False
    if args.overwrite:
        return needed, needed == declared
    if needed[1:] != declared[1:]:
        raise ListError(
            f"{path}: expected --image-size {declared.height},{declared.width}, as it says, found "
            f"{needed.height},{needed.width}; correct one of them, or give --overwrite to write it anew"
        )
    return declared, True


def base_folder(rows, list_path):
    """What relative paths are relative to: the current folder or the list's, whichever holds an image first.

    Raises:
        ListError: both hold it, and the two are different files.
    """
    for row in rows:
        candidates = [folder for folder in (Path(), list_path.parent) if os.path.exists(folder / row.path)]
        if len(candidates) == 2 and not os.path.samefile(*(folder / row.path for folder in candidates)):
            raise ListError(
                f"{list_path}: line {row.line}: expected {row.path} in the current folder or beside the list, found it "
                f"in both, {Path(row.path).absolute()} and {list_path.parent / row.path}; "
                "run face2rec from a folder without it"
            )
        if candidates:
            return candidates[0]
    return list_path.parent


def pack(job, args):
    """Write one set and print what was written."""
    check_rows(job.rows, job.num_classes, job.source, allow_rounded_ranges=args.allow_rounded_ranges)
    with create_face_set(
        job.output,
        num_classes=job.num_classes,
        image_size=job.image_size,
        stem=job.stem,
        write_property=job.write_property,
        write_list=job.list_folder is not None,
        allow_rounded_ranges=args.allow_rounded_ranges,
        overwrite=args.overwrite,
    ) as writer:
        skipped = pack_faces(
            job.rows,
            writer,
            FaceCodec(job.folder, job.image_size, args.encoding, args.quality, gray=args.color == 0),
            threads=args.num_thread,
            pair_labels=args.label_dialect == "pair",
            skip_errors=args.on_error == "skip",
            list_folder=job.list_folder,
        )
    list_skipped(skipped, "image")
    print(f"wrote {job.output / job.stem}.rec")
    print(f"  images      {writer.summary.images}")
    print(f"  identities  {writer.summary.identities}")
    print(f"  classes     {job.num_classes}")
    print(f"  bytes       {writer.summary.bytes}")
    print(f"  sha256      {writer.summary.sha256}")


def lists_of(prefix):
    """The ``.lst`` files that a prefix means, sorted.

    Raises:
        ListError: there is none.
    """
    prefix = Path(prefix).absolute()
    folder, beginning = (prefix, "") if prefix.is_dir() else (prefix.parent, prefix.name)
    found = sorted(path for path in folder.glob("*.lst") if path.name.startswith(beginning))
    if not found:
        raise ListError(f"{prefix}: expected .lst files there, found none; give a folder or prefix, or use --root")
    return found


if __name__ == "__main__":
    sys.exit(main())
