"""Time detection, alignment and embedding: latency and throughput by batch size and threads.

The embedding is timed in ONNX Runtime and, where it is installed, in MXNet.
"""

import argparse
import csv
import datetime
import importlib
import io
import itertools
import os
import platform
import sys
from typing import Callable, NamedTuple, Optional

import cv2
import numpy as np

from insightrec.deploy.call_timing import in_fresh_process, summarize, time_calls
from insightrec.deploy.drawn_faces import drawn_faces
from insightrec.deploy.embedder import BACKENDS, IMAGE_SIZE, Embedder
from insightrec.deploy.made_up_photo import FACE_SIDE, FACES_AT, HEIGHT, WIDTH, made_up_photo
from insightrec.deploy.model_files import ModelFiles, find_model
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import PACKAGE, load_networks
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.network_input import CHANNELS
from insightrec.deploy.processor_name import processor_name
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.recordio_tools.face_alignment import align_face, template
from insightrec.recordio_tools.image_codec import read_image

DISTINCT_FACES = 16  # drawn once; larger batches repeat them
COLUMNS = ("stage", "backend", "batch", "threads", "median_ms", "p95_ms", "images_per_s")


class Settings(NamedTuple):
    """What all cases of a run share."""

    model: ModelFiles
    image_size: "Optional[tuple[int, int]]"  # (height, width); None is the model's own
    color: str
    gpu: int
    runs: int
    warm_up: int
    mtcnn: Optional[str] = None  # folder of the detector's weights; None is the installed package
    photo: Optional[str] = None  # file to detect on; None is `made_up_photo`


class Case(NamedTuple):
    """One row of the table."""

    stage: str
    backend: str
    batch: int
    threads: int


class Stage(NamedTuple):
    """A step from photo to embedding. ``prepare(settings, case)`` gives what to time: a function of no arguments."""

    prepare: Callable
    backends: "tuple[str, ...]"
    is_batched: bool  # else it takes one image at a time


def prepare_detection(settings, case):
    """Find the faces of a photo, `MTCNN` as it comes: faces of 20 pixels and more."""
    cv2.setNumThreads(case.threads)
    photo = read_image(settings.photo)[1] if settings.photo else made_up_photo()
    detector = MTCNN(settings.mtcnn, threads=case.threads)
    return lambda: detector.detect(photo)


def prepare_alignment(settings, case):
    """Warp one face of a photo to 112x112 by its five landmarks; ``settings`` do not matter."""
    cv2.setNumThreads(case.threads)
    photo = made_up_photo()
    landmarks = template(IMAGE_SIZE) * FACE_SIDE / IMAGE_SIZE[0] + FACES_AT[0][::-1]
    return lambda: align_face(photo, landmarks, IMAGE_SIZE)


def prepare_embedding(settings, case):
    """Embed a batch of aligned uint8 faces, the conversion to the network's input included."""
    embedder = Embedder(
        settings.model,
        image_size=settings.image_size,
        color=settings.color,
        backend=case.backend,
        threads=case.threads,
        gpu=settings.gpu,
        batch_size=case.batch,
    )
    faces = drawn_faces(min(case.batch, DISTINCT_FACES), embedder.image_size)
    faces = faces[np.arange(case.batch) % len(faces)]
    return lambda: embedder.embed(faces)


STAGES = {
    "detection": Stage(prepare_detection, ("onnxruntime",), is_batched=False),
    "alignment": Stage(prepare_alignment, ("cv2",), is_batched=False),
    "embedding": Stage(prepare_embedding, BACKENDS, is_batched=True),
}


def list_cases(stages, backends, batches, threads):
    """Every `Case` of these stages; a backend that a stage does not know is not for it, ``cv2`` is always."""
    cases = []
    for name in stages:
        stage = STAGES[name]
        chosen = [backend for backend in stage.backends if backend in (*backends, "cv2")]
        sizes = batches if stage.is_batched else [1]
        cases += [Case(name, *rest) for rest in itertools.product(chosen, sizes, threads)]
    return cases


def measure(settings, case):
    """A row of the table: the case, its timing, and the backend's version. To be run in a process of its own."""
    work = STAGES[case.stage].prepare(settings, case)
    timing = summarize(time_calls(work, settings.runs, settings.warm_up), case.batch)
    version = importlib.import_module(case.backend).__version__
    return {**case._asdict(), **timing._asdict(), "runs": settings.runs, "backend_version": version}


def measure_all(settings, cases):
    """Yield the row of each case, `machine` included; those that need MXNet are left out where it is missing."""
    missing = set()
    for case in cases:
        if case.backend in missing:
            continue
        try:
            row = in_fresh_process(case.threads, measure, settings, case)
        except MXNetMissing as reason:
            missing.add(case.backend)
            print(f"{case.backend}: left out: {reason}", file=sys.stderr)
            continue
        device = "cpu" if settings.gpu < 0 or case.stage != "embedding" else f"gpu {settings.gpu}"
        photo = (settings.photo or "made up") if case.stage == "detection" else ""
        yield {"model": settings.model.name, **row, "photo": photo, "device": device, **machine()}


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


def machine():
    """Where a row was measured, as a dict of str."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor_name(),
        "cores": usable_cores(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def usable_cores():
    """Cores that this process may use, where the system says it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    rows = []
    print("{:11}{:13}{:>6}{:>9}{:>12}{:>10}{:>14}".format(*COLUMNS))
    for row in measure_all(settings, cases):
        print("{:11}{:13}{:>6}{:>9}{:>12.3f}{:>10.3f}{:>14.1f}".format(*(row[key] for key in COLUMNS)), flush=True)
        rows.append(row)
    if not rows:
        raise InputError("nothing could be measured; choose other --stages or --backends")
    if args.output:
        with atomic_write(args.output, overwrite=args.overwrite) as file:
            file.write(to_csv(rows).encode())


if __name__ == "__main__":
    main()
