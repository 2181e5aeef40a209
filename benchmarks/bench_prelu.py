"""CPU-seconds of a model's PReLU layers rewritten (`quick_prelu`), against the same model as it is, in ONNX Runtime.

Needs a real file: give --model, e.g. MobileFaceNet model-y1-test2. One thread, random images, batches of 1 and 16.
"""

import argparse

import numpy as np
import onnxruntime
from side_by_side import compare

from insightrec.deploy.model_files import find_model
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params
from insightrec.deploy.quick_prelu import with_quick_prelu
from insightrec.deploy.symbol_graph import read_symbol

SHAPE = (3, 112, 112)
IMAGES = 64  # in one timing
BATCHES = (1, 16)


def session(model):
    """As a user opens it, with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def embed(network, batches):
    name = network.get_inputs()[0].name
    return np.concatenate([network.run(None, {name: batch})[0] for batch in batches])


def main():
    """Time both; the embeddings must agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="prefix,epoch, of 3x112x112")
    args = parser.parse_args()
    if not args.model:
        print("skipped: needs --model")
        return
    files = find_model(args.model)
    data = convert(read_symbol(files.graph), read_params(files.params), input_shape=SHAPE).SerializeToString()
    plain, rewritten = session(data), session(with_quick_prelu(data))
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *SHAPE)).astype(np.float32)
    for size in BATCHES:
        batches = np.split(images, IMAGES // size)
        expected = embed(plain, batches)
        difference = np.abs(embed(rewritten, batches) - expected).max() / np.abs(expected).max()
        assert difference < 1e-5
        compare(
            "prelu",
            f"{files.name}, {IMAGES} images in batches of {size}",
            lambda batches=batches: embed(rewritten, batches),
            lambda batches=batches: embed(plain, batches),
            incumbent_name="PRelu",
            relative_difference=f"{difference:.1e}",
            threads=1,
        )


if __name__ == "__main__":
    main()
