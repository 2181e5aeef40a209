"""The training feed against decoding alone, and against the loop that InsightFace's trainers read images with.

The bounds to hold: 0.85 of the images/s of decoding alone on as many threads, 3 times those of the loop.
Both figures are in the rows, wall clock and CPU.
"""

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from side_by_side import record

from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet
from insightrec.recordio_tools.draw_faces import draw_person
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.face_set_writer import create_face_set
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.train.augmentation import Augmentation
from insightrec.train.face_feed import FaceFeed
from insightrec.train.image_order import ImageOrder

IMAGES, DISTINCT, PER_PERSON = 20_000, 400, 4
SIZE = (112, 112)
BATCH = 128
CHUNK = 32  # images a task of decoding alone
ROUNDS = 15
THREADS = os.cpu_count() or 1


def main():
    """Time all on one set of drawn faces that stays in the page cache."""
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder))
        faces = FaceRecordSet(folder)
        augmentation = Augmentation(mirror=True)
        batches = len(faces) // BATCH

        order = ImageOrder(len(faces), BATCH, seed=0)
        feed = FaceFeed(faces, order, augmentation, SIZE, THREADS, seed=0)
        shuffled = [position for batch in range(batches) for position in order.batch(batch * BATCH).tolist()]
        encoded = [np.frombuffer(faces.record(position)[1], np.uint8) for position in shuffled]
        chunks = [encoded[begin : begin + CHUNK] for begin in range(0, len(encoded), CHUNK)]

        def take_batches():
            for _ in range(batches):
                next(feed)

        def decode_alone(pool):
            for _ in pool.map(decode_all, chunks):
                pass

        with feed, ThreadPoolExecutor(THREADS) as pool:
            compare_rates("decoding alone", take_batches, lambda: decode_alone(pool), ROUNDS, len(encoded))

            try:
                mx = import_mxnet()
            except MXNetMissing as reason:
                print(f"skipped: the loop with MXNet ({reason})")
                return
            reader = mx.recordio.MXIndexedRecordIO(f"{folder}/train.idx", f"{folder}/train.rec", "r")
            keys = [faces.key(position) for position in shuffled]
            compare_rates("mx.image loop", take_batches, lambda: loop_with_mxnet(mx, reader, keys), 3, len(encoded))


def write_set(folder):
    """20,000 records of a few hundred drawn faces."""
    people = range(DISTINCT // PER_PERSON)
    encoded = [encode_rgb(image) for person in people for image in draw_person(0, person, PER_PERSON, SIZE)]
    per_person = IMAGES // len(people)
    with create_face_set(folder, num_classes=len(people), image_size=SIZE) as writer:
        for number in range(IMAGES):
            person = number // per_person
            image = encoded[person * PER_PERSON + number % PER_PERSON]
            writer.add(image, person, f"{person}/{number}.jpg", aligned_flag=1.0)


def decode_all(chunk):
    """OpenCV and nothing else."""
    for data in chunk:
        cv2.imdecode(data, cv2.IMREAD_COLOR)


def loop_with_mxnet(mx, reader, keys):
    """Record by record on one thread: decode, mirror every other one, transpose into a float32 batch."""
    rng = np.random.default_rng(0)
    batch = mx.nd.empty((BATCH, 3, *SIZE))
    for begin in range(0, len(keys), BATCH):
        for place, key in enumerate(keys[begin : begin + BATCH]):
            _, data = mx.recordio.unpack(reader.read_idx(key))
            image = mx.image.imdecode(data)
            if rng.random() < 0.5:
                image = mx.nd.flip(image, axis=1)
            batch[place][:] = mx.nd.transpose(image, axes=(2, 0, 1))
        batch.wait_to_read()


def compare_rates(incumbent_name, ours, incumbent, rounds, images):
    """Alternate the two; record the medians of CPU-seconds, and of wall clock as images/s."""
    ours(), incumbent()
    timings = np.array([(*seconds(ours), *seconds(incumbent)) for _ in range(rounds)])
    ours_cpu, ours_wall, incumbent_cpu, incumbent_wall = np.median(timings, axis=0)
    record(
        "face_feed",
        f"{images} images 112x112, mirror, batch {BATCH}",
        ours_cpu,
        incumbent_cpu,
        incumbent_name=incumbent_name,
        runs=rounds,
        threads=THREADS,
        ours_images_s=round(images / ours_wall),
        incumbent_images_s=round(images / incumbent_wall),
        wall_ratio=f"{statistics.median(timings[:, 3] / timings[:, 1]):.2f}",
    )


def seconds(function):
    """``(CPU, wall)`` of a call; CPU of all threads."""
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
