"""Say what a record set holds: images, identities, labels, sizes, and what is wrong with it."""

import argparse
import json
import sys

import numpy as np

from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.set_report import inspect_set

BAR = 40  # characters of the longest histogram bar


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="rec_info.py", description=__doc__)
    parser.add_argument("set", help="folder of a record set, or one .rec file")
    parser.add_argument(
        "--images",
        type=whole_number(0),
        default=10000,
        help="how many images to look into, evenly spread; 0 for all (default: 10000)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON (default: text)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Inspect a set and print the report."""
    args = parse(argv)
    faces = FaceRecordSet(args.set)
    count = min(args.images or len(faces), len(faces))
    positions = np.linspace(0, len(faces) - 1, count).astype(int).tolist()
    report = inspect_set(faces, positions)
    print(json.dumps(report, indent=2) if args.json else as_text(report))


def as_text(report):
    """The report as lines for people."""
    lines = [
        report["path"],
        f"  layout               {report['layout']}",
        f"  images               {report['images']}",
        f"  identities           {'not listed (flat set)' if report['identities'] is None else report['identities']}",
        f"  classes              {report['classes']} among the images looked into",
        f"  property             {report['property'] or 'none'}",
        f"  bytes                {report['bytes']}",
        f"  label                {_counts(report['label_dialects'])}",
        f"  image format         {_counts(report['image_formats'])}",
        f"  image size           {_counts(report['image_sizes'])}",
        f"  looked into          {report['looked_at']} of {report['images']} images",
    ]
    spread = report["images_per_identity"]
    if spread:
        lines.append(
            f"  images per identity  min {spread['min']}, median {spread['median']:g}, mean {spread['mean']:g}, "
            f"max {spread['max']}"
        )
        most = max(spread["histogram"].values())
        for bounds, count in spread["histogram"].items():
            lines.append(f"    {bounds:>13}  {count:>7}  {'#' * max(1, round(BAR * count / most))}")
    lines += [f"  warning: {note}" for note in report["warnings"]] or ["  no warnings"]
    return "\n".join(lines)


def _counts(counter):
    return ", ".join(f"{name} ({count})" for name, count in counter.items()) or "none"


if __name__ == "__main__":
    sys.exit(main())
