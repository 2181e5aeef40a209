"""Pack aligned faces into an identity-indexed record set (train.rec, train.idx, property, train.lst)."""

import argparse
import os
import sys
from pathlib import Path

from insightrec.recordio_tools.command_line import add_on_error, image_size, list_skipped, tool
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.face_packing import FaceCodec, check_rows, group_rows, pack_faces
from insightrec.recordio_tools.face_set_writer import create_face_set
from insightrec.recordio_tools.image_codec import ENCODINGS, JPEG_QUALITY
from insightrec.recordio_tools.list_file import read_list
from insightrec.recordio_tools.property_file import read_property

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
        "--image-size",
        type=image_size,
        help="height,width in pixels that every face has or is warped to (default: from property, else 112,112)",
    )
    parser.add_argument("--quality", type=int, default=JPEG_QUALITY, help="JPEG 1..100 or PNG 0..9 (default: 95)")
    parser.add_argument("--encoding", choices=ENCODINGS, default=".jpg", help="of faces warped here (default: .jpg)")
    parser.add_argument(
        "--color", type=int, choices=(1, 0), default=1, help="1 color, 0 gray, for faces warped here (default: 1)"
    )
    parser.add_argument(
        "--num-thread",
        type=int,
        default=os.cpu_count(),
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
        parser.add_argument(f"--{name}", nargs="?", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if (args.prefix is None) == (args.root is None):
        parser.error("give either PREFIX or --root")
    if args.num_thread < 1:
        parser.error("--num-thread: expected 1 or more")
    return args


@tool
def main(argv=None):
    """Pack ``--root`` or every list of PREFIX."""
    args = parse(argv)
    if args.root is not None:
        pack_root(args)
    else:
        for path in lists_of(args.prefix):
            pack_list(path, args)


def pack_root(args):
    """Pack a folder of identity folders."""
    root = Path(args.root)
    rows, empty = read_folders(root)
    output = Path(args.output) if args.output else root.resolve().parent
    if empty:
        print(f"{len(empty)} folders hold no image and get no label: {', '.join(empty[:5])}{' ...' * (len(empty) > 5)}")
    inside = output.resolve() in root.resolve().parents
    list_folder = os.path.relpath(root, output) if inside else root.resolve()
    pack(
        rows,
        root,
        output,
        args,
        num_classes=rows[-1].label + 1,
        size=args.image_size,
        folder=root,
        list_folder=list_folder,
    )


def pack_list(path, args):
    """Pack one image list."""
    rows, from_im2rec = read_list(path)
    if from_im2rec:
        print(f"{path}: im2rec's columns (index label path): taken as aligned images in the list's order")
    if not args.keep_order:
        rows, runs, labels = group_rows(rows)
        if runs > labels:
            print(
                f"{path}: {labels} labels in {runs} runs: grouped by label; "
                f"--keep-order keeps the list's order and writes {runs} identities"
            )
    output = Path(args.output) if args.output else path.parent
    has_property = (path.parent / "property").is_file()
    declared = read_property(path.parent) if has_property else None
    size = args.image_size or (declared and declared[1:])
    classes = declared.num_classes if declared else max(row.label for row in rows) + 1
    # A first path that is found nowhere is reported by the packing, like every other.
    folder = Path() if (Path() / rows[0].path).exists() else path.parent
    keeps_property = has_property and output.resolve() == path.parent.resolve()
    pack(
        rows,
        path,
        output,
        args,
        num_classes=classes,
        size=size,
        folder=folder,
        stem=path.stem,
        write_property=not keeps_property,
    )


def pack(rows, source, output, args, *, num_classes, size, folder, list_folder=None, stem="train", write_property=True):
    """Write one set and print what was written."""
    size = size or (112, 112)
    codec = FaceCodec(folder, size, args.encoding, args.quality, args.color == 0)
    check_rows(rows, num_classes, source, allow_rounded_ranges=args.allow_rounded_ranges)
    with create_face_set(
        output,
        num_classes=num_classes,
        image_size=size,
        stem=stem,
        write_property=write_property,
        write_list=list_folder is not None,
        allow_rounded_ranges=args.allow_rounded_ranges,
        overwrite=args.overwrite,
    ) as writer:
        skipped = pack_faces(
            rows,
            writer,
            codec,
            threads=args.num_thread,
            pair_labels=args.label_dialect == "pair",
            skip_errors=args.on_error == "skip",
            list_folder=list_folder,
        )
    list_skipped(skipped, "image")
    summary = writer.summary
    print(f"wrote {output / stem}.rec")
    print(f"  images      {summary.images}")
    print(f"  identities  {summary.identities}")
    print(f"  classes     {num_classes}")
    print(f"  bytes       {summary.bytes}")
    print(f"  sha256      {summary.sha256}")


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
