"""Pack MegaFace feature files into one store (a .npy matrix and its list), or write a store's features as files.

The features come out bit for bit. Feature files of float64 are rounded to float32; those that hold a row vector come
back as columns, which the devkit reads.
"""

import argparse
import hashlib
import sys

from insightrec.megaface.feature_source import FeatureFiles, PackedFeatures
from insightrec.megaface.feature_writer import FileWriter, write_features
from insightrec.megaface.file_ending import ending
from insightrec.megaface.packed_store import StoreWriter, store_path
from insightrec.megaface.path_list import read_path_list
from insightrec.megaface.template_list import TemplateList
from insightrec.recordio_tools.command_line import tool
from insightrec.recordio_tools.errors import ListError


def pack_files(root, file_ending, templates, store, *, resume=False, overwrite=False):
    """Pack the feature files of a `TemplateList` below ``root`` into ``store`` (its path, without ending).

    Raises:
        FeatureError: files are missing, damaged or of differing dimension.
        OutputError: the store exists, or was begun with other files, or with these when they had other content.
    """
    source = FeatureFiles(root, templates.paths, file_ending)
    source.check()
    persons = hashlib.sha256("\0".join(templates.ids or []).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    origin = f"{root} {file_ending}, features {source.stamp()}, persons {persons}"
    writer = StoreWriter(store, source.dimension, source=origin, resume=resume, overwrite=overwrite)
    write_features(writer, source.paths, source.read, ids=templates.ids)


def unpack_store(store, root, file_ending, paths=None, *, resume=False, overwrite=False):
    """Write features of ``store`` as files ``<root>/<path><file_ending>``; ``paths`` None is all. Returns how many.

    Raises:
        FeatureError: the store is damaged, or has not all of ``paths``.
        OutputError: ``root`` is not empty.
    """
    source = PackedFeatures(store, paths)
    write_features(FileWriter(root, file_ending, resume=resume, overwrite=overwrite), source.paths, source.read)
    return len(source)


def merge_lists(lists):
    """One `TemplateList` of several, each path once; with ids if all of them have some.

    Raises:
        ListError: a path has two persons.
    """
    paths = {}
    has_ids = all(templates.ids for templates in lists)
    for templates in lists:
        for path, person in zip(templates.paths, templates.ids if has_ids else [None] * len(templates.paths)):
            if paths.setdefault(path, person) != person:
                raise ListError(
                    f"{path}: expected one person in all lists, found {paths[path]!r} and {person!r}; correct the lists"
                )
    return TemplateList(list(paths), list(paths.values()) if has_ids else None)


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="pack_features.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    direction = parser.add_mutually_exclusive_group(required=True)
    direction.add_argument(
        "--to-store", type=store_path, metavar="STORE", help="write STORE.npy and STORE.json, from --root and --list"
    )
    direction.add_argument("--to-files", metavar="FOLDER", help="write feature files below FOLDER, from --store")
    parser.add_argument("--root", help="with --to-store: the folder of the feature files (needed)")
    parser.add_argument("--store", type=store_path, help="with --to-files: the packed store, without .npy (needed)")
    parser.add_argument(
        "--list",
        nargs="+",
        metavar="LIST",
        help="images to take, each once: lists of the devkit (JSON), or of a path a line (with --to-store needed; "
        "with --to-files the default is the whole store)",
    )
    parser.add_argument(
        "--file-ending",
        type=ending,
        required=True,
        help="what follows a path in the name of its feature file, such as _model.bin",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="continue what a killed run began with the same features, told by their sizes and times (default: refuse)",
    )
    again.add_argument("--overwrite", action="store_true", help="replace what is there (default: refuse)")
    args = parser.parse_args(argv)
    if args.to_store and not (args.root and args.list):
        parser.error("--to-store needs --root and --list")
    if args.to_files and not args.store:
        parser.error("--to-files needs --store")
    return args


@tool
def main(argv=None):
    """Convert one way or the other."""
    args = parse(argv)
    templates = merge_lists([read_path_list(path) for path in args.list]) if args.list else None
    mode = {"resume": args.resume, "overwrite": args.overwrite}
    if args.to_store:
        pack_files(args.root, args.file_ending, templates, args.to_store, **mode)
        print(f"wrote {len(templates.paths)} features to {args.to_store}.npy, its list to {args.to_store}.json")
    else:
        paths = templates and templates.paths
        count = unpack_store(args.store, args.to_files, args.file_ending, paths, **mode)
        print(f"wrote {count} feature files below {args.to_files}")


if __name__ == "__main__":
    sys.exit(main())
