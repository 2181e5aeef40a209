"""CPU-seconds to embed a verification pack with a released model, against MXNet embedding every image.

Needs real files: give --model and --pack, e.g. MobileFaceNet model-y1-test2 and lfw.bin. Each of the
pack's images goes through MXNet with its mirror image, as InsightFace's tool does; ours embeds each
distinct image and its mirror. Runs once: it takes minutes.
"""

import argparse
import os
import time

import numpy as np
from side_by_side import record
from tqdm import tqdm

from insightrec.deploy.embedder import Embedder
from insightrec.eval.pack_embeddings import embed_pack
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.verification_pack import read_pack

BATCH = 32


def main():
    """Embed the pack both ways; the embeddings must agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="prefix,epoch")
    parser.add_argument("--pack", help="a .bin file")
    args = parser.parse_args()
    if not (args.model and args.pack):
        print("skipped: needs --model and --pack")
        return
    pack = read_pack(args.pack)

    start = time.process_time()
    ours = embed_pack(Embedder(args.model, batch_size=BATCH), pack, args.pack)
    ours_s = time.process_time() - start

    model = Embedder(args.model, backend="mxnet", batch_size=BATCH)
    start = time.process_time()
    theirs = []
    for begin in tqdm(range(0, len(pack.images), BATCH)):
        images = np.stack([decode_rgb(image, args.pack) for image in pack.images[begin : begin + BATCH]])
        theirs.append(model.embed(images) + model.embed(images[:, :, ::-1]))
    mxnet_s = time.process_time() - start

    sums = (ours.original + ours.mirrored)[ours.index]
    difference = np.abs(sums - np.concatenate(theirs)).max() / np.abs(sums).max()
    record(
        "pack_embedding",
        f"{len(pack.images)} images and mirrors, {len(ours.original)} distinct",
        ours_s,
        mxnet_s,
        incumbent_name="mxnet",
        runs=1,
        relative_difference=f"{difference:.1e}",
        threads=os.environ.get("OMP_NUM_THREADS", "-"),
    )


if __name__ == "__main__":
    main()
