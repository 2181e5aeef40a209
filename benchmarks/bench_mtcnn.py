"""MTCNN on a folder of photos, against the same cascade with one box in each forward pass.

Needs real files: give --mtcnn, a folder with InsightFace's det1 to det4, and --photos, e.g. those of its tests. The
incumbent runs the networks as they are stored, candidate by candidate and a whole scale at once, in MXNet where it
is installed and in ONNX Runtime, there with one thread and with as many as it takes by itself. All find the same faces.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import onnxruntime
from side_by_side import compare

from insightrec.deploy import proposal_stage
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import INPUTS, MtcnnNetworks
from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.image_codec import IMAGE_SUFFIXES, read_image


def in_onnx(folder, stage, threads):
    graph, params = read_symbol(folder / f"{stage}-symbol.json"), read_params(folder / f"{stage}-0001.params")
    outputs = [graph.name_of(head) for head in graph.heads]
    model = convert(graph, params, outputs=outputs, input_shape=INPUTS[stage])
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


def per_box(forward, stage):
    """A network as the cascade calls it, one image at a time; softmax(log(p)) is p."""

    def network(batch):
        found = [forward(batch[place : place + 1]) for place in range(len(batch))]
        *outputs, last = (np.concatenate(arrays) for arrays in zip(*found))
        return [*outputs, last if stage == "det4" else np.log(np.maximum(last, 1e-30))]

    return network


def detect(detector, images, tile):
    proposal_stage.TILE = tile
    return [face for image in images for face in detector.detect(image)]


def main():
    """Time both on all photos; boxes and landmarks must agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mtcnn", type=Path, help="folder of det1-symbol.json, det1-0001.params ... det4")
    parser.add_argument("--photos", type=Path, help="folder of photos")
    args = parser.parse_args()
    if not (args.mtcnn and args.photos):
        print("skipped: needs --mtcnn and --photos")
        return
    paths = [path for path in sorted(args.photos.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    images = [read_image(path)[1] for path in paths]
    ours, tile = MTCNN(args.mtcnn), proposal_stage.TILE
    found = detect(ours, images, tile)

    incumbents = {
        "onnxruntime per box": lambda stage: in_onnx(args.mtcnn, stage, 1),
        "onnxruntime per box, its own threads": lambda stage: in_onnx(args.mtcnn, stage, 0),
    }
    try:
        mx = import_mxnet()
        incumbents["mxnet per box"] = lambda stage: in_mxnet(mx, args.mtcnn, stage)
    except MXNetMissing as reason:
        print(f"without MXNet: {reason}")
    for name, load in incumbents.items():
        theirs = MTCNN(MtcnnNetworks(*(per_box(load(stage), stage) for stage in INPUTS)))
        other = detect(theirs, images, 1 << 16)
        assert len(found) == len(other)
        difference = max(np.abs(face.landmarks - twin.landmarks).max() for face, twin in zip(found, other))
        compare(
            "mtcnn",
            f"{len(images)} photos, {sum(image[..., 0].size for image in images) / 1e6:.1f} Mpx, {len(found)} faces",
            lambda: detect(ours, images, tile),
            lambda theirs=theirs: detect(theirs, images, 1 << 16),
            incumbent_name=name,
            landmark_difference_px=f"{difference:.1e}",
            threads=os.environ.get("OMP_NUM_THREADS", "-"),
        )


if __name__ == "__main__":
    main()
