"""Time detection, alignment and embedding: latency and throughput by batch size and threads.

The embedding is timed in ONNX Runtime and, where it is installed, in MXNet.
"""

import argparse
import csv
import io
import sys

import cv2

from insightrec.deploy.embedder import BACKENDS
from insightrec.deploy.made_up_photo import FACES_AT, HEIGHT, WIDTH
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mtcnn_weights import PACKAGE, load_networks
from insightrec.deploy.network_input import CHANNELS
from insightrec.deploy.timed_stages import STAGES, Settings, list_cases, measure_all
from insightrec.deploy.timing_origin import timing_origin
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.recordio_tools.usable_cores import usable_cores

COLUMNS = ("stage", "backend", "batch", "threads", "median_ms", "p95_ms", "images_per_s")


def stages_to_time(stages, mtcnn):
    """``stages``, but for detection where no folder is named (``mtcnn``) nor the package with the weights installed."""
    if "detection" not in stages or mtcnn is not None:
        return stages
    try:
        load_networks()
    except ModelError:
        raise
    except InputError as reason:
        print(f"detection: left out: {reason}", file=sys.stderr)
        return [stage for stage in stages if stage != "detection"]
    return stages


def to_csv(rows):
    """Rows, dicts of the same keys, as CSV text with a header."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows
    )
    return table.getvalue()


def whole_numbers(text):
    """argparse type of whole numbers of 1 or more with commas between: a list without repeats."""
    return list(dict.fromkeys(map(whole_number(1), text.split(","))))


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="benchmark.py",
        description=f"{__doc__} Every case runs in a process of its own, on made-up pictures unless --photo is given; "
        "times are wall-clock, so keep the machine idle.",
    )
    add = parser.add_argument
    add("--model", required=True, help="'prefix,epoch' of an MXNet model, or an .onnx file")
    add(
        "--mtcnn",
        metavar="DIR",
        help=f"folder of InsightFace's det1 to det4, the detector (default: those of the installed package {PACKAGE}; "
        "where neither is there, detection is left out)",
    )
    add(
        "--photo",
        metavar="FILE",
        help="photo to detect faces on; the time depends on its size, on how many faces it shows and on how much "
        f"looks like one (default: {len(FACES_AT)} drawn faces on blotches of colour, {WIDTH}x{HEIGHT} pixels)",
    )
    add("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="what to time (default: all)")
    add("--backends", nargs="+", choices=BACKENDS, default=BACKENDS, help="what runs the model (default: both)")
    add(
        "--batch-sizes",
        type=whole_numbers,
        default="1,8,32",
        help="images in one call of the embedding; other stages take one (default: 1,8,32)",
    )
    add(
        "--threads",
        type=whole_numbers,
        default=sorted({1, usable_cores()}),
        help="threads of one call (default: 1 and the number of cores)",
    )
    add("--image-size", type=image_size, help="height,width in pixels (default: the model's, else 112,112)")
    add("--color", choices=CHANNELS, default="rgb", help="channels of the model's input (default: rgb)")
    add("--gpu", type=whole_number(-1), default=-1, help="number of the CUDA device, -1 for the CPU (default: -1)")
    add("--runs", type=whole_number(1), default=30, help="timed calls of each case (default: 30)")
    add("--warm-up", type=whole_number(0), default=3, help="calls before them, not counted (default: 3)")
    add("--output", help="CSV file to write, with processor and versions (default: none)")
    add("--overwrite", action="store_true", help="replace an existing file (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Measure every case, print it, and write the table."""
    args = parse(argv)
    if args.output:
        refuse_existing([args.output], args.overwrite)
    files = find_model(args.model)
    settings = Settings(
        files, args.image_size, args.color, args.gpu, args.runs, args.warm_up, mtcnn=args.mtcnn, photo=args.photo
    )
    backends = list(args.backends)
    if files.params is None and "mxnet" in backends:
        backends.remove("mxnet")
        print("mxnet: left out, it runs no ONNX files", file=sys.stderr)
    cases = list_cases(stages_to_time(args.stages, args.mtcnn), backends, args.batch_sizes, args.threads)
    origin = {**timing_origin(["numpy"]), "cores": usable_cores(), "opencv": cv2.__version__}
    rows = []
    print("{:11}{:13}{:>6}{:>9}{:>12}{:>10}{:>14}".format(*COLUMNS))
    for row in measure_all(settings, cases):
        print("{:11}{:13}{:>6}{:>9}{:>12.3f}{:>10.3f}{:>14.1f}".format(*(row[key] for key in COLUMNS)), flush=True)
        rows.append({**row, **origin})
    if not rows:
        raise InputError("nothing could be measured; choose other --stages or --backends")
    if args.output:
        with atomic_write(args.output, overwrite=args.overwrite) as file:
            file.write(to_csv(rows).encode())


if __name__ == "__main__":
    main()
