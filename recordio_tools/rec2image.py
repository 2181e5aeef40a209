"""Turn a record set back into a folder of images for each label, and a .lst of them."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from insightrec.recordio_tools.atomic_file import atomic_write, write_quickly
from insightrec.recordio_tools.command_line import add_on_error, list_skipped, tool, whole_number
from insightrec.recordio_tools.errors import ImageError, InputError, OutputError
from insightrec.recordio_tools.face_record_set import FaceRecordSet, class_of
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.image_header import record_suffix
from insightrec.recordio_tools.list_file import format_row, read_list
from insightrec.recordio_tools.ordered_pool import ordered_map
from insightrec.recordio_tools.usable_cores import usable_cores


def extract_images(faces, folder, positions, *, threads, skip_errors=False, resume=False):
    """Write images of a set as ``<folder>/<label>/<key>.jpg``, bytes unchanged.

    Args:
        faces: `FaceRecordSet`.
        folder: pathlib.Path, where they go.
        positions: which images.
        threads: how many read, check and write.
        skip_errors: leave out what cannot be decoded, instead of raising the first error.
        resume: keep files that are there and hold the same bytes.

    Returns:
        ``(rows, skipped)``: list of ``(path relative to folder, label)``, and of the errors left out.
    """
    key_digits = len(str(max(map(faces.key, range(len(faces))), default=0)))  # a flat set need not be in key order
    label_digits = max(5, len(str(faces.num_classes or 0)))

    def extract(position):
        source = faces.describe(position)
        try:
            label, image = faces.record(position)
            decode_rgb(image, source)
            suffix = record_suffix(image, source)
            label = class_of(label, source)
        except InputError as error:
            return error
        path = f"{label:0{label_digits}d}/{faces.key(position):0{key_digits}d}{suffix}"
        _write(folder / path, image, resume)
        return path, label

    rows, skipped = [], []
    results = ordered_map(extract, positions, threads)
    for result in tqdm(results, total=len(positions), unit="image", disable=None):
        if not isinstance(result, InputError):
            rows.append(result)
        elif skip_errors:
            skipped.append(result)
        else:
            raise result
    return rows, skipped


def _write(path, data, resume):
    """Write one image, or with ``resume`` keep the one that is there if it is the same."""
    if resume and path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    write_quickly(path, data)


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="rec2image.py", description=__doc__)
    parser.add_argument("set", help="folder of a record set, or one .rec file")
    parser.add_argument("output", help="folder to write to")
    parser.add_argument(
        "--identities", help="only these identity records, counted from 0, such as 3,17 (default: all images)"
    )
    parser.add_argument(
        "--num-thread",
        type=whole_number(1),
        default=usable_cores(),
        help="threads that check and write (default: all cores)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue into a folder that an earlier run with the same --identities began (default: refuse)",
    )
    add_on_error(parser, "image")
    args = parser.parse_args(argv)
    if args.identities is not None:
        try:
            args.identities = [int(part) for part in args.identities.split(",")]
        except ValueError:
            parser.error(f"--identities: expected numbers such as 3,17, found {args.identities!r}")
    return args


@tool
def main(argv=None):
    """Extract a set."""
    args = parse(argv)
    output = Path(args.output)
    if not args.resume and output.is_dir() and any(output.iterdir()):
        raise OutputError(f"{output}: expected an empty or new folder; choose another, or --resume an earlier run")
    faces = FaceRecordSet(args.set)
    positions = positions_of(faces, args.identities)
    list_path = output / f"{faces.path.stem}.lst"
    refuse_other_selection(list_path, faces, positions)
    rows, skipped = extract_images(
        faces,
        output,
        positions,
        threads=args.num_thread,
        skip_errors=args.on_error == "skip",
        resume=args.resume,
    )
    with atomic_write(list_path, overwrite=True) as file:
        file.writelines(format_row(path, label) for path, label in rows)
    list_skipped(skipped, "image")
    print(f"wrote {len(rows)} images of {len({label for _, label in rows})} labels to {output}")
    print(f"  list  {list_path}")


def positions_of(faces, identities):
    """Positions of the images of ``identities`` (all images if None), each identity once.

    Raises:
        ImageError: an identity that the set does not have.
    """
    if identities is None:
        return range(len(faces))
    wrong = [identity for identity in identities if not 0 <= identity < faces.num_identities]
    if wrong:
        raise ImageError(f"{faces.path}: expected identities 0 to {faces.num_identities - 1}, found {wrong[0]}")
    return [position for identity in dict.fromkeys(identities) for position in faces.identity_images(identity)]


def refuse_other_selection(list_path, faces, positions):
    """Check that the list an earlier run left, if any, names no image but those at ``positions``.

    Raises:
        OutputError: it does; the new list would not tell of files that are there.
    """
    if not list_path.is_file() or not list_path.stat().st_size:  # empty: every image was left out
        return
    keys = {str(faces.key(position)) for position in positions}
    for row in read_list(list_path).rows:
        if (Path(row.path).stem.lstrip("0") or "0") not in keys:
            raise OutputError(
                f"{list_path}: expected images of this selection only, found {row.path}; "
                "choose another folder, or the --identities of the earlier run"
            )


if __name__ == "__main__":
    sys.exit(main())
