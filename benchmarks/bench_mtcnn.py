"""MTCNN on a folder of photos, against the naive cascade and against other ways to run ours.

Needs real files: give --mtcnn, a folder with InsightFace's det1 to det4, and --photos, e.g. those of its tests.
`naive_mtcnn` puts each candidate through the networks alone: in ONNX Runtime on one thread, in ONNX Runtime on as many
as it takes by itself (they spin while they wait, and that counts), and in MXNet where it is installed. The other ways
are our cascade with its networks in OpenCV, and with the first network's tiles of all scales in common batches. All
find the same faces.
"""

import argparse
import itertools
import math
import os
from collections import defaultdict
from pathlib import Path

import cv2
import naive_mtcnn
import numpy as np
import onnxruntime
from naive_mtcnn import FACTOR, MIN_SIZE, STRIDE, THRESHOLDS, WINDOW
from side_by_side import compare

from insightrec.deploy.face_boxes import calibrate, suppress_overlaps, to_square, touching
from insightrec.deploy.mtcnn import MTCNN, DetectedFace
from insightrec.deploy.mtcnn_graph import without_softmax
from insightrec.deploy.mtcnn_network import face_probability, to_batch
from insightrec.deploy.mtcnn_weights import INPUTS, MtcnnNetworks
from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params
from insightrec.deploy.proposal_stage import TILE, pyramid_scales
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.image_suffixes import IMAGE_SUFFIXES

SHARED = WINDOW - STRIDE  # pixels that neighbouring tiles share
TOLERANCE = 1e-3  # pixels


def plain_onnx(folder, stage):
    """The released graph as ``onnx.ModelProto``, and the names of its outputs."""
    graph, params = read_symbol(folder / f"{stage}-symbol.json"), read_params(folder / f"{stage}-0001.params")
    outputs = [graph.name_of(head) for head in graph.heads]
    return convert(graph, params, outputs=outputs, input_shape=INPUTS[stage]), outputs


def in_onnxruntime(folder, stage, threads):
    model, outputs = plain_onnx(folder, stage)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(outputs, {"data": batch})


def in_mxnet(mx, folder, stage):
    symbol, arguments, _ = mx.model.load_checkpoint(str(folder / stage), 1)
    bound = {}  # by shape: kinder than InsightFace's code, which binds anew whenever the shape changes

    def forward(batch):
        if batch.shape not in bound:
            weights = {name: arguments[name] for name in symbol.list_arguments() if name in arguments}
            inputs = {name: mx.nd.zeros(1) for name in symbol.list_arguments() if name not in weights}
            bound[batch.shape] = symbol.bind(
                mx.cpu(), {**inputs, **weights, "data": mx.nd.zeros(batch.shape)}, grad_req="null"
            )
        return [array.asnumpy() for array in bound[batch.shape].forward(data=mx.nd.array(batch))]

    return forward


def in_opencv(folder, stage):
    """The network as our cascade calls it; by OpenCV's older engine where there are two."""
    model, outputs = plain_onnx(folder, stage)
    engine = {"engine": cv2.dnn.ENGINE_CLASSIC} if hasattr(cv2.dnn, "ENGINE_CLASSIC") else {}
    network = cv2.dnn.readNetFromONNX(np.frombuffer(without_softmax(model).SerializeToString(), np.uint8), **engine)

    def forward(batch):
        network.setInput(batch)
        return network.forward(outputs)

    return forward


class ScalesTogether(MTCNN):
    """Our cascade with all scales in the first network at once: their tiles, those of one size in one batch."""

    def _propose(self, image):
        scales = pyramid_scales(image.shape[:2], MIN_SIZE, FACTOR)
        tiles, found = defaultdict(list), {scale: [] for scale in scales}
        for scale in scales:
            height, width = (math.ceil(side * scale) for side in image.shape[:2])
            scaled = cv2.resize(image, (width, height))
            for top, left in itertools.product(range(0, height - SHARED, TILE), range(0, width - SHARED, TILE)):
                tile = scaled[top : top + TILE + SHARED, left : left + TILE + SHARED]
                tiles[tile.shape].append((tile, scale, top, left))
        for group in tiles.values():
            offsets, logits = self._networks.proposal(to_batch([tile for tile, *_ in group]))
            places = face_probability(logits)
            for (_, scale, top, left), scores, moves in zip(group, places, offsets):
                rows, columns = np.nonzero(scores > THRESHOLDS[0])
                corners = np.stack([columns * STRIDE + left, rows * STRIDE + top], axis=1) + 1
                boxes = np.round(np.hstack([corners, corners + WINDOW]) / scale)
                found[scale].append((boxes, scores[rows, columns], moves[:, rows, columns].T))
        parts = []
        for boxes, scores, moves in (map(np.concatenate, zip(*of_scale)) for of_scale in found.values()):
            kept = suppress_overlaps(boxes, scores, 0.5)
            parts.append((boxes[kept], scores[kept], moves[kept]))
        boxes, scores, moves = map(np.concatenate, zip(*parts))
        kept = suppress_overlaps(boxes, scores, 0.7)
        boxes = to_square(calibrate(boxes[kept], moves[kept]))
        return boxes[touching(boxes, image.shape[:2])]


class Naive:
    """`naive_mtcnn` with the interface of ours; ``load(stage)`` gives a network."""

    def __init__(self, load):
        self._networks = [load(stage) for stage in INPUTS]

    def detect(self, image):
        return [DetectedFace(*face) for face in zip(*naive_mtcnn.detect(self._networks, image))]


def detect_all(detector, images):
    """(boxes (n, 4), landmarks (n, 5, 2)) of the faces of all images."""
    faces = [face for image in images for face in detector.detect(image)]
    return np.array([face.box for face in faces]), np.array([face.landmarks for face in faces])


def main():
    """Time ours against each on all photos; boxes and landmarks must agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mtcnn", type=Path, help="folder of det1-symbol.json, det1-0001.params ... det4")
    parser.add_argument("--photos", type=Path, help="folder of photos")
    args = parser.parse_args()
    if not (args.mtcnn and args.photos):
        print("skipped: needs --mtcnn and --photos")
        return
    paths = [path for path in sorted(args.photos.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    images = [read_image(path)[1] for path in paths]
    cv2.setNumThreads(1)
    ours = MTCNN(args.mtcnn)
    boxes, landmarks = detect_all(ours, images)

    others = {
        "naive, onnxruntime, 1 thread": Naive(lambda stage: in_onnxruntime(args.mtcnn, stage, 1)),
        "naive, onnxruntime, its own threads": Naive(lambda stage: in_onnxruntime(args.mtcnn, stage, 0)),
        "ours, networks in cv2.dnn": MTCNN(MtcnnNetworks(*(in_opencv(args.mtcnn, stage) for stage in INPUTS))),
        "ours, scales in common batches": ScalesTogether(args.mtcnn),
    }
    try:
        mx = import_mxnet()
        others["naive, mxnet"] = Naive(lambda stage: in_mxnet(mx, args.mtcnn, stage))
    except MXNetMissing as reason:
        print(f"without MXNet: {reason}")
    for name, other in others.items():
        found = detect_all(other, images)
        differences = [np.abs(array - own).max() for array, own in zip(found, (boxes, landmarks))]
        assert max(differences) < TOLERANCE, name
        compare(
            "mtcnn",
            f"{len(images)} photos, {sum(image[..., 0].size for image in images) / 1e6:.1f} Mpx, {len(boxes)} faces",
            lambda: detect_all(ours, images),
            lambda other=other: detect_all(other, images),
            incumbent_name=name,
            box_difference_px=f"{differences[0]:.1e}",
            landmark_difference_px=f"{differences[1]:.1e}",
            threads=os.environ.get("OMP_NUM_THREADS", "-"),
        )


if __name__ == "__main__":
    main()
