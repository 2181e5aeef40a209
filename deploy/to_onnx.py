"""Convert an MXNet model or training checkpoint to an ONNX file that gives its embeddings."""

import argparse

import numpy as np

from insightrec.deploy.drawn_faces import drawn_faces
from insightrec.deploy.embedder import IMAGE_SIZE
from insightrec.deploy.int8_quantization import quantize_int8
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.mxnet_network import MXNetNetwork
from insightrec.deploy.network_input import CHANNELS, network_input
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_graph import OPSET, OPSETS
from insightrec.deploy.onnx_network import OnnxNetwork
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import image_size, number_between, tool, whole_number
from insightrec.recordio_tools.errors import ModelError, OutputError

CHECKED_FACES = 16  # or as many more as fill a fixed batch
MOST_IN_A_BATCH = 256
ONNX = ".onnx"
TOLERANCE = 1e-4  # of the largest number of an embedding; float32 arithmetic in another order stays below 1e-5


def batch_size(text):
    """argparse type of ``dynamic`` (None) or a number of images."""
    return None if text == "dynamic" else whole_number(1, MOST_IN_A_BATCH)(text)


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="to_onnx.py",
        description=f"{__doc__} The file is run in ONNX Runtime on drawn faces before it is written, and compared "
        "with MXNet where MXNet is installed.",
    )
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
    add(
        "--batch",
        type=batch_size,
        default="dynamic",
        metavar="dynamic|N",
        help=f"images in one forward pass: any number, or always N, 1 to {MOST_IN_A_BATCH} (default: dynamic)",
    )
    add(
        "--opset",
        type=whole_number(OPSETS[0], OPSETS[-1]),
        default=OPSET,
        help=f"version of ONNX's operators, {OPSETS[0]} to {OPSETS[-1]}; an older one runs in more places, and the "
        f"numbers are the same (default: {OPSET})",
    )
    add(
        "--int8",
        action="store_true",
        help="write 8-bit weights (dynamic quantization; depthwise convolutions stay float32): about a third of the "
        "bytes, seldom faster; what it costs in cosine is printed (default: float32)",
    )
    add(
        "--mean",
        type=number_between(0, 255),
        default=0.0,
        help="for the check: subtracted from pixels of 0..255 before the model, 0 to 255, as the file itself scales "
        "only what the MXNet model does (default: 0)",
    )
    add(
        "--scale",
        type=number_between(1e-6, 1e6),
        default=1.0,
        help="for the check: then multiplied with, 1e-6 to 1e6 (default: 1)",
    )
    add("--overwrite", action="store_true", help="replace an existing file (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Convert, compare with MXNet where it is installed, quantize where asked for, and write."""
    args = parse(argv)
    if not args.output.lower().endswith(ONNX):
        raise OutputError(
            f"--output {args.output}: expected a name that ends in {ONNX}, by which tools know the format"
        )
    refuse_existing([args.output], args.overwrite)
    files = find_model(args.model)
    if files.params is None:
        raise ModelError(f"{args.model}: expected an MXNet model, prefix,epoch, found an ONNX file")
    model = convert(
        read_symbol(files.graph),
        read_params(files.params),
        outputs=[args.output_layer] if args.output_layer else None,
        input_shape=(CHANNELS[args.color], *args.image_size),
        batch=args.batch,
        opset=args.opset,
    )
    batches = face_batches(args.image_size, args.batch or 1, color=args.color, mean=args.mean, scale=args.scale)
    serialized = model.SerializeToString()
    embeddings = embed(OnnxNetwork(serialized, args.model), batches, args.model)
    findings = [compare_with_mxnet(files, args.output_layer, batches, embeddings)]
    if args.int8:
        serialized = quantize_int8(model, args.model)
        quantized = embed(OnnxNetwork(serialized, args.model), batches, f"{args.model} in 8 bits")
        findings.append(compare_with_float(quantized, embeddings))
    with atomic_write(args.output, overwrite=args.overwrite) as file:
        file.write(serialized)
    print(f"{args.output}: {model.graph.output[0].name}, {embeddings.shape[1]} numbers, {len(serialized)} bytes")
    print(*findings, sep="\n")


def face_batches(size, batch, **scaling):
    """Batches of ``batch`` drawn faces, `CHECKED_FACES` or more in all, as `network_input` scales them."""
    count = -(-CHECKED_FACES // batch)
    faces = drawn_faces(count * batch, size)
    return [network_input(part, **scaling) for part in np.split(faces, count)]


def embed(network, batches, source):
    """float64 (N, D) of all batches, one after the other.

    Raises:
        ModelError: an embedding is not finite, or zero: nothing can be compared with it.
    """
    embeddings = np.concatenate([network(batch) for batch in batches]).astype(np.float64)
    if not (np.isfinite(embeddings).all() and embeddings.any(axis=1).all()):
        raise ModelError(
            f"{source}: expected embeddings of finite numbers, not all zero, on drawn faces, found others; check the "
            "model's parameters (model_info), --mean and --scale"
        )
    return embeddings


def compare_with_mxnet(files, output, batches, embeddings):
    """How far ONNX Runtime's ``embeddings`` of ``batches`` are from MXNet's, in a sentence.

    Raises:
        ModelError: too far.
    """
    try:
        original = embed(MXNetNetwork(files, output=output), batches, f"{files.params} in MXNet")
    except MXNetMissing as reason:
        return f"runs in ONNX Runtime on {len(embeddings)} drawn faces; its numbers were not compared: {reason}"
    difference = float(np.abs(original - embeddings).max() / np.abs(original).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{files.params}: the converted model differs from MXNet's by {difference:.1e} of the largest number, "
            f"expected at most {TOLERANCE:.0e}; if --mean and --scale are right for it, please report this model"
        )
    return f"differs from MXNet by {difference:.1e} of the largest number, on {len(embeddings)} drawn faces"


def compare_with_float(embeddings, original):
    """The cosine between each int8 embedding and the float32 one, in a sentence."""
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(original, axis=1)
    cosine = (embeddings * original).sum(1) / lengths
    return (
        f"int8: cosine to the float32 embeddings of {len(cosine)} drawn faces: mean {cosine.mean():.5f}, "
        f"min {cosine.min():.5f}; photographs differ, so verify the file on your own pairs"
    )


if __name__ == "__main__":
    main()
