"""The flags that every alignment of many photos has."""

import argparse

from insightrec.deploy.mtcnn_weights import PACKAGE
from insightrec.recordio_tools.command_line import image_size, whole_number
from insightrec.recordio_tools.face_alignment import SIZES
from insightrec.recordio_tools.usable_cores import usable_cores


def folder_path(text):
    """argparse type of a folder's path: an empty one would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a folder, found an empty name")
    return text


def add_image_size(parser):
    """Add ``--image-size``, a size with a template."""
    parser.add_argument(
        "--image-size",
        type=_template_size,
        default=(112, 112),
        metavar="H,W",
        help="height,width in pixels of the crops, 112,112 or 112,96 (default: 112,112)",
    )


def add_mtcnn(parser):
    """Add ``--mtcnn``, the weights."""
    parser.add_argument(
        "--mtcnn",
        metavar="DIR",
        help="folder that holds InsightFace's det1 to det3, or det4, -symbol.json and -0001.params (default: the "
        f"installed package {PACKAGE}, which has det1 to det3)",
    )


def add_run_flags(parser):
    """Add ``--processes``, ``--resume`` and ``--overwrite``, which `aligned_photos` reads."""
    parser.add_argument(
        "--processes",
        type=whole_number(1),
        default=usable_cores(),
        help="the output is the same; each takes about 150 MB, and 500 MB for photos of 60 Mpx (default: as many as "
        "there are cores for this program)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume",
        action="store_true",
        help="go on where an earlier run with the same options ended: photos that are new, were changed (size or time "
        "of the file, what is given of their face) or had a fault are aligned, crops of photos that are gone are "
        "removed (default: refuse)",
    )
    existing.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote (default: refuse)"
    )


def _template_size(text):
    """argparse type of a size with a template."""
    size = image_size(text)
    if size not in SIZES:
        raise argparse.ArgumentTypeError(f"expected 112,112 or 112,96, for which there is a template, found {text!r}")
    return size
