"""MegaFace step one, probes: align FaceScrub's photos by its box tables."""

import argparse
from pathlib import Path

from insightrec.megaface import guided_alignment
from insightrec.megaface.alignment_run import add_flags, run_alignment
from insightrec.megaface.facescrub_photos import find_facescrub
from insightrec.recordio_tools.command_line import tool

LIST = "facescrub_uncropped_features_list.json"


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="align_facescrub.py",
        description=f"{__doc__}\nWrites Name_Name/Name_Name_<id>.png, as the devkit's list of cropped photos has them.",
        epilog=guided_alignment.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flags(
        parser,
        photos_help="folder with facescrub_actors.txt, facescrub_actresses.txt, and the photos <Name>/<Name>_<id>.jpg "
        "in it or in facescrub/ within it",
        list_help=f"which photos, a list of the devkit (default: {LIST} in DIR)",
    )
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Find the listed photos and align them."""
    args = parse(argv)
    photos = find_facescrub(args.input_dir, args.list or Path(args.input_dir, LIST))
    run_alignment(args, photos)


if __name__ == "__main__":
    main()
