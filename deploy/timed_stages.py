"""The steps from a photo to an embedding, each timed in a process of its own."""

import importlib
import itertools
import sys
from typing import Callable, NamedTuple, Optional

import cv2
import numpy as np

from insightrec.deploy.call_timing import in_fresh_process, summarize, time_calls
from insightrec.deploy.drawn_faces import drawn_faces
from insightrec.deploy.embedder import BACKENDS, IMAGE_SIZE, Embedder
from insightrec.deploy.made_up_photo import FACE_SIDE, FACES_AT, made_up_photo
from insightrec.deploy.model_files import ModelFiles
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.recordio_tools.face_alignment import align_face, template
from insightrec.recordio_tools.image_file import read_image

DISTINCT_FACES = 16  # drawn once; larger batches repeat them


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
    """Yield the row of each case; those that need MXNet are left out, with one line, where it is missing."""
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
        yield {"model": settings.model.name, **row, "photo": photo, "device": device}
