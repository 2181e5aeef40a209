"""Say what a model is: input, embedding, layers, parameters, multiply-adds, and what is wrong with it."""

import argparse
import json
import math
import sys

from insightrec.deploy.embedder import IMAGE_SIZE
from insightrec.deploy.embedding_part import embedding_part
from insightrec.deploy.graph_cost import image_input, infer_for_one_image, layer_costs, value_shapes
from insightrec.deploy.model_checks import check_mxnet, check_onnx
from insightrec.deploy.model_files import find_model
from insightrec.deploy.network_input import CHANNELS
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_file import read_onnx
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.command_line import image_size, tool
from insightrec.recordio_tools.errors import ModelError


def describe(files, *, output=None, size=None, color="rgb"):
    """A model as a dict of JSON types: what `main` prints.

    Args:
        files: `ModelFiles`.
        output: the embedding's name; None is what `Embedder` takes.
        size: (height, width) of an image; None is what an ONNX file declares, else `IMAGE_SIZE`.
        color: of `CHANNELS`, for MXNet models, which do not say it.

    Raises:
        ModelError: a file is damaged, there is no such output, or an ONNX model takes no such image.
    """
    paths = [path for path in files if path is not None]
    report = {"model": files.name, "files": [str(path) for path in paths]}
    report["bytes"] = sum(path.stat().st_size for path in paths)
    if files.params is None:
        return {**report, **_describe_onnx(read_onnx(files.graph), str(files.graph), output, size)}
    return {**report, **_describe_mxnet(files, output, size or IMAGE_SIZE, CHANNELS[color])}


def _describe_mxnet(files, output, size, channels):
    graph, params = read_symbol(files.graph), read_params(files.params)
    part = embedding_part(graph, output)
    name = part.name_of(part.heads[0])
    problems, notes = check_mxnet(graph, params, output)
    try:
        model = convert(graph, params, outputs=[name], input_shape=(channels, *size))
        figures = _figures(infer_for_one_image(model), name)
    except ModelError as error:  # a missing parameter, an unknown operator: the rest is still worth reading
        figures = {}
        problems.append(f"cannot be run: {error}")
    return {
        "format": f"MXNet {_version(graph.mxnet_version)}",
        "input": {"name": part.data_name(params), "shape": [None, channels, *size]},
        "output": name,
        **figures,
        "problems": problems,
        "notes": notes,
    }


def _describe_onnx(model, source, output, size):
    try:
        problems, notes = check_onnx(model, output)
        data = image_input(model)
        declared = value_shapes(model)[data.name]
        height, width = size or (side or usual for side, usual in zip(declared[2:], IMAGE_SIZE))
        inferred = infer_for_one_image(model, (declared[1] or CHANNELS["rgb"], height, width))
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from None
    names = [item.name for item in model.graph.output]
    if output is not None and output not in names:
        raise ModelError(f"{source}: no output {output!r}; it has: {', '.join(names)}")
    domains = {item.domain or "ai.onnx": item.version for item in model.opset_import}
    return {
        "format": f"ONNX IR {model.ir_version}, opset {', '.join(f'{key} {value}' for key, value in domains.items())}",
        "input": {"name": data.name, "shape": list(declared)},
        "output": output or names[0],
        **_figures(inferred, output or names[0]),
        "problems": problems,
        "notes": notes,
    }


def _figures(model, output):
    """What can be counted on a model of `infer_for_one_image`; ``multiply_adds`` is None where a layer's is."""
    layers = [{**layer._asdict(), "output_shape": _list(layer.output_shape)} for layer in layer_costs(model)]
    shape = value_shapes(model).get(output)
    operators = {}
    for layer in layers:
        row = operators.setdefault(layer["operator"], {"layers": 0, "parameters": 0, "multiply_adds": 0})
        row["layers"] += 1
        row["parameters"] += layer["parameters"]
        row["multiply_adds"] = _sum([row["multiply_adds"], layer["multiply_adds"]])
    return {
        "image": list(value_shapes(model)[image_input(model).name][1:]),
        "embedding_size": None if not shape or None in shape else math.prod(shape[1:]),
        "parameters": sum(layer["parameters"] for layer in layers),
        "multiply_adds": _sum([layer["multiply_adds"] for layer in layers]),
        "operators": operators,
        "layers": layers,
    }


def as_text(report, layers=False):
    """The report as lines for people; with a line for each layer where ``layers``."""
    lines = [
        f"{report['model']}: {report['format']}, {report['bytes']} bytes",
        f"  input             {report['input']['name']} {_shape(report['input']['shape'])}",
        f"  embedding         {report['output']}, {report.get('embedding_size') or '?'} numbers",
    ]
    if "layers" in report:
        channels, height, width = report["image"]
        lines += [
            f"  parameters        {report['parameters']}",
            f"  multiply-adds     {_count(report['multiply_adds'])} for an image of {channels}x{height}x{width} "
            "(FLOPs are twice as many)",
            f"  {'operator':24}{'layers':>8}{'parameters':>14}{'multiply-adds':>18}",
        ]
        for operator, row in report["operators"].items():
            adds = _count(row["multiply_adds"])
            lines.append(f"  {operator:24}{row['layers']:>8}{row['parameters']:>14}{adds:>18}")
    if layers:
        lines.append(f"  {'layer':40}{'operator':24}{'output':>20}{'parameters':>14}{'multiply-adds':>18}")
        for row in report.get("layers", ()):
            shape, adds = _shape(row["output_shape"]), _count(row["multiply_adds"])
            lines.append(f"  {row['name']:40}{row['operator']:24}{shape:>20}{row['parameters']:>14}{adds:>18}")
    lines += [f"  problem: {line}" for line in report["problems"]]
    lines += [f"  note: {line}" for line in report["notes"]]
    return "\n".join(lines if report["problems"] else [*lines, "  no problems"])


def _sum(numbers):
    return None if None in numbers else sum(numbers)


def _list(shape):
    return None if shape is None else list(shape)


def _count(number):
    return "?" if number is None else str(number)


def _shape(shape):
    return "?" if shape is None else "x".join("N" if size is None else str(size) for size in shape)


def _version(number):
    """10901 is 1.9.1; files up to 0.8 do not say theirs."""
    return "0.8 or older" if number is None else f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="model_info.py",
        description=f"{__doc__} Layers are ONNX's, as an MXNet model is converted; batch normalization, bias and "
        "activation are not counted as multiply-adds. Exits with 1 where there is a problem.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="'prefix,epoch' of an MXNet model, or an .onnx file")
    add("--output-layer", help="the output that is the embedding (default: fc1_output, or what stands for it)")
    add(
        "--image-size",
        type=image_size,
        help="height,width in pixels of one image (default: what the file declares, else 112,112)",
    )
    add("--color", choices=CHANNELS, default="rgb", help="channels of an MXNet model's input (default: rgb)")
    add("--layers", action="store_true", help="list every layer too (default: sums by operator)")
    add("--json", action="store_true", help="print JSON, every layer included (default: text)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Describe the model; 1 where it has a problem."""
    args = parse(argv)
    files = find_model(args.model)
    report = describe(files, output=args.output_layer, size=args.image_size, color=args.color)
    print(json.dumps(report, indent=2) if args.json else as_text(report, args.layers))
    return int(bool(report["problems"]))


if __name__ == "__main__":
    sys.exit(main())
