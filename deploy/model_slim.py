"""Cut a training checkpoint down to its embedding: no classifier, no loss, no label.

Writes ``<prefix>s-symbol.json`` and ``<prefix>s-0000.params``, the names of InsightFace's tool. MXNet is not needed,
and every number that is kept is kept bit for bit.
"""

import argparse
from pathlib import Path

from insightrec.deploy.embedding_part import embedding_part, needed_parameters
from insightrec.deploy.model_files import find_model
from insightrec.deploy.params_file import Params, dump_params, read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.deploy.symbol_writer import format_symbol
from insightrec.recordio_tools.atomic_file import AtomicFileSet, refuse_existing
from insightrec.recordio_tools.command_line import tool
from insightrec.recordio_tools.errors import ModelError, OutputError

MOST_LISTED = 8


def slim(graph, params, output=None):
    """The part of a model that computes its embedding.

    Args:
        graph: `SymbolGraph`.
        params: its `Params`.
        output: name of the output to end at, as `SymbolGraph.find_output` takes it; the embedding if None.

    Returns:
        (`SymbolGraph` with that output as its only head, `Params` it needs, in their old order).

    Raises:
        ModelError: as `embedding_part`, or a parameter is missing or empty.
    """
    part = embedding_part(graph, output)
    needed = set(needed_parameters(part, params))
    missing = [name for name in sorted(needed) if name not in params.arrays]
    if missing:
        raise ModelError(
            f"{params.source}: expected every parameter of {part.name_of(part.heads[0])}, found none called "
            f"{_listed(missing)}; do graph and parameters belong together?"
        )
    kept = {name: array for name, array in params.arrays.items() if name in needed}
    for name, array in kept.items():
        if not array.shape or not array.size:  # neither can be written
            raise ModelError(f"{params.source}: {name}: expected 1 or more numbers, found shape {array.shape}")
    return part, Params(kept, params.source)


def slim_prefix(files):
    """Where InsightFace's tool puts the slim model of ``prefix-symbol.json``: ``<prefix>s``, a `Path`."""
    return files.graph.with_name(files.graph.name[: -len("-symbol.json")] + "s")


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(prog="model_slim.py", description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="'prefix,epoch' of the MXNet checkpoint")
    add("--output", help="prefix to write as epoch 0 (default: the model's own prefix with an s behind it)")
    add("--output-layer", help="the model's output that is the embedding (default: fc1_output, or what stands for it)")
    add("--overwrite", action="store_true", help="replace existing files (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Read, cut, write, and say what was dropped."""
    args = parse(argv)
    files = find_model(args.model)
    if files.params is None:
        raise ModelError(f"{args.model}: expected an MXNet model, prefix,epoch, found an ONNX file")
    prefix = Path(args.output) if args.output else slim_prefix(files)
    if not prefix.name:
        raise OutputError(f"--output {args.output}: expected a prefix such as models/slim, found no file name")
    symbol_path, params_path = (prefix.with_name(prefix.name + end) for end in ("-symbol.json", "-0000.params"))
    if symbol_path.resolve() == files.graph.resolve():
        raise OutputError(f"{symbol_path}: is the checkpoint's own graph, which its other epochs need; choose another")
    refuse_existing([symbol_path, params_path], args.overwrite)
    whole_graph, whole_params = read_symbol(files.graph), read_params(files.params)
    graph, params = slim(whole_graph, whole_params, args.output_layer)
    name = graph.name_of(graph.heads[0])
    arrays = [array for array in whole_params.arrays if array not in params.arrays]
    if not arrays and graph == whole_graph:
        raise ModelError(
            f"{args.model}: expected a checkpoint with a classifier, a loss or other outputs beside {name}, found "
            "nothing to drop; use the model as it is"
        )
    with AtomicFileSet([params_path, symbol_path], overwrite=args.overwrite) as (params_file, symbol_file):
        dump_params(params_file, params.arrays)
        symbol_file.write(format_symbol(graph))
    print(f"{prefix},0: {name}, {_numbers(params.arrays.values())} numbers")
    outputs = [whole_graph.name_of(head) for head in whole_graph.heads]
    kept = {node.name for node in graph.nodes}
    layers = [node.name for node in whole_graph.nodes if not (node.is_variable or node.name in kept)]
    print(f"dropped outputs: {_listed([output for output in outputs if output != name])}")
    print(f"dropped layers: {_listed(layers)}")
    print(f"dropped arrays: {_listed(arrays)}; {_numbers(whole_params.arrays[array] for array in arrays)} numbers")


def _listed(names):
    """The first `MOST_LISTED` of ``names``, and how many more there are."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(names[:MOST_LISTED])}{more}" or "none"


def _numbers(arrays):
    return sum(array.size for array in arrays)


if __name__ == "__main__":
    main()
