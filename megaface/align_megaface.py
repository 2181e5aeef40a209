"""MegaFace step one, distractors: align MegaFace's or FG-NET's photos by the JSON file beside each."""

import argparse

from insightrec.megaface import guided_alignment
from insightrec.megaface.alignment_run import add_flags, run_alignment
from insightrec.megaface.megaface_photos import find_megaface, listed_megaface
from insightrec.recordio_tools.command_line import tool


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="align_megaface.py",
        description=f"{__doc__} Crops have the same relative paths.",
        epilog=guided_alignment.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flags(
        parser,
        photos_help="folder of photos, <3 digits>/<user>/<image>.jpg and <image>.jpg.json (MegaFace), "
        "<person>/<image>.JPG and <image>.JPG.json (FG-NET)",
        list_help="only the photos of this list of the devkit (default: all)",
    )
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Find the photos and align them."""
    args = parse(argv)
    photos = listed_megaface(args.input_dir, args.list) if args.list else find_megaface(args.input_dir)
    run_alignment(args, list(photos))


if __name__ == "__main__":
    main()
