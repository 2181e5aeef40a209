"""Convert an MXNet model or training checkpoint to an ONNX file that gives its embeddings."""

import argparse

import numpy as np

from insightrec.deploy.embedder import CHANNELS, IMAGE_SIZE
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.mxnet_network import MXNetNetwork
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, tool
from insightrec.recordio_tools.errors import ModelError

CHECKED_IMAGES = 4
TOLERANCE = 1e-4  # of the largest number of an embedding; float32 arithmetic in another order stays below 1e-5


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="to_onnx.py", description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="'prefix,epoch' of the MXNet model")
    add("--output", required=True, help="the .onnx file to write")
    add("--output-layer", help="the model's output that is the embedding (default: fc1_output, or what stands for it)")
    add(
        "--image-size",
        type=image_size,
        default=IMAGE_SIZE,
        help="height,width in pixels of the model's input (default: 112,112)",
    )
    add("--color", choices=CHANNELS, default="rgb", help="channels of the model's input (default: rgb)")
    add("--overwrite", action="store_true", help="replace an existing file (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Convert, compare with MXNet where it is installed, and write."""
    args = parse(argv)
    refuse_existing([args.output], args.overwrite)
    files = find_model(args.model)
    if files.params is None:
        raise ModelError(f"{args.model}: expected an MXNet model, prefix,epoch, found an ONNX file")
    outputs = [args.output_layer] if args.output_layer else None
    shape = (CHANNELS[args.color], *args.image_size)
    model = convert(read_symbol(files.graph), read_params(files.params), outputs=outputs, input_shape=shape)
    serialized = model.SerializeToString()
    images = np.random.default_rng(0).uniform(0, 255, (CHECKED_IMAGES, *shape)).astype(np.float32)
    embeddings = OnnxNetwork(serialized, args.model)(images)
    agreement = compare_with_mxnet(files, args.output_layer, images, embeddings)
    with atomic_write(args.output, overwrite=args.overwrite) as file:
        file.write(serialized)
    print(f"{args.output}: {model.graph.output[0].name}, {embeddings.shape[1]} numbers, {len(serialized)} bytes")
    print(agreement)


def compare_with_mxnet(files, output, images, embeddings):
    """How far ONNX Runtime's ``embeddings`` of ``images`` are from MXNet's, in a sentence.

    Raises:
        ModelError: too far.
    """
    try:
        original = MXNetNetwork(files, output=output)(images)
    except MXNetMissing as reason:
        return f"not compared with MXNet: {reason}"
    difference = float(np.abs(original - embeddings).max() / np.abs(original).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{files.params}: the converted model differs from MXNet's by {difference:.1e} of the largest number, "
            f"expected at most {TOLERANCE:.0e}; please report this model"
        )
    return f"differs from MXNet by {difference:.1e} of the largest number, on {len(images)} random images"


if __name__ == "__main__":
    main()
