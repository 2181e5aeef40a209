"""What is wrong with a model's weights, or worth knowing before it is used."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.embedding_part import embedding_part, needed_parameters
from insightrec.deploy.symbol_graph import AUXILIARY_INPUTS, CLASSIFIER, EMBEDDING
from insightrec.deploy.symbol_node import Entry
from insightrec.recordio_tools.errors import ModelError, one_line

MOST_LISTED = 5
ONNX_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


class Checks(NamedTuple):
    """Lines for people: ``problems`` keep the model from giving right embeddings, ``notes`` do not."""

    problems: list
    notes: list


def check_mxnet(graph, params, output=None):
    """`Checks` of a model and the `Params` that it is to run with.

    An embedding that nobody named and that may be another output, missing and unused parameters, numbers that are not
    finite, negative variances, gammas that ``fix_gamma`` makes MXNet ignore, and arrays that are not float32 (what
    runs them here computes in float32).

    Args:
        graph: `SymbolGraph`, the whole model.
        output: the embedding's name, as `embedding_part` takes it.

    Raises:
        ModelError: as `embedding_part`.
    """
    part = embedding_part(graph, output)
    embedding = part.name_of(part.heads[0])
    needed = needed_parameters(part, params)
    used = {name: params.arrays[name] for name in needed if name in params.arrays}
    variances = [name for name in used if name.endswith("_var")]
    is_known = output is not None or embedding == EMBEDDING or any(node.name == CLASSIFIER for node in graph.nodes)
    outputs = [graph.name_of(head) for head in graph.heads]
    problems = [
        *([] if is_known else _one_of_several(embedding, outputs)),
        *_line("missing", [name for name in needed if name not in used]),
        *_weight_problems(used, variances),
    ]
    unused = [name for name in params.arrays if name not in used]
    beside = _beside(graph, embedding, params)
    notes = [
        *_unused("model_slim drops them", [name for name in unused if name not in beside], params),
        *_unused("for other outputs", [name for name in unused if name in beside], params),
        *_line("fix_gamma: MXNet takes 1 whatever the file holds, which is not 1", _ignored_gammas(part, params)),
        *_types(array.dtype.name for array in used.values()),
    ]
    if not is_known and len(outputs) == 1:
        notes.insert(0, f"no output is called {EMBEDDING}: {embedding} is taken for the embedding")
    return Checks(problems, notes)


def _one_of_several(taken, outputs):
    """A problem where there are several ``outputs``: the first may be anything, such as the boxes of a detector."""
    if len(outputs) == 1:
        return []
    what = f"{taken} is taken for the embedding, though not called {EMBEDDING}; is it one? --output-layer names another"
    return _line(f"{what}; outputs", outputs)


def _beside(graph, embedding, params):
    """Full names of parameters that the graph takes, but neither for the embedding nor for what is computed from it."""
    behind = {graph.find_output(embedding).node}
    for index, node in enumerate(graph.nodes):
        if any(entry.node in behind for entry in node.inputs):
            behind.add(index)
    onward = graph.subgraph([Entry(index, 0) for index in behind])
    return {*needed_parameters(graph, params)} - {*needed_parameters(onward, params)}


def _unused(why, names, params):
    size = sum(params.arrays[name].nbytes for name in names)
    return _line(f"not needed for the embedding, {size} bytes ({why})", names)


def check_onnx(model, output=None):
    """`Checks` of an ``onnx.ModelProto``; ``output`` is the embedding's name, if somebody named it.

    An embedding that may be another output, numbers that are not finite, negative variances, weights that are unused,
    listed as inputs or not float32.

    Raises:
        ModelError: a weight's bytes do not fill its shape.
    """
    weights = {item.name: item for item in model.graph.initializer}
    arrays = {name: _array(item) for name, item in weights.items() if item.data_type in ONNX_FLOATS}
    normalizations = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    variances = [node.input[4] for node in normalizations if node.input[4] in arrays]
    taken = {name for node in model.graph.node for name in node.input} | {item.name for item in model.graph.output}
    listed = [item.name for item in model.graph.input if item.name in weights]
    counted = [item for item in weights.values() if item.dims and item.data_type != TensorProto.INT64]
    notes = [
        *_line("not used", [name for name in weights if name not in taken]),
        *_line("weights listed as inputs, which keeps runtimes from folding them", listed),
        *_types(_type_name(item.data_type) for item in counted),
    ]
    outputs = [item.name for item in model.graph.output]
    is_known = output is not None or outputs[:1] == [EMBEDDING]
    problems = [] if is_known else _one_of_several(outputs[0], outputs)
    return Checks([*problems, *_weight_problems(arrays, variances)], notes)


def _weight_problems(arrays, variances):
    """What makes embeddings NaN, of arrays by name and the names of those that are variances."""
    floats = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    endless = [name for name, array in floats.items() if not np.isfinite(array).all()]
    negative = [name for name in variances if (arrays[name] < 0).any()]
    return [*_line("NaN or infinite", endless), *_line("negative variance", negative)]


def _ignored_gammas(graph, params):
    """Names of gammas other than 1 that enter a BatchNorm with ``fix_gamma``, MXNet's default."""
    fixed = [node for node in graph.nodes if node.op in AUXILIARY_INPUTS and node.flag("fix_gamma", True)]
    names = dict.fromkeys(graph.nodes[node.inputs[1].node].name for node in fixed if len(node.inputs) > 1)
    gammas = params.arg
    return [name for name in names if name in gammas and (gammas[name] != 1).any()]


def _types(names):
    """A note on arrays that are not float32."""
    others = Counter(name for name in names if name != "float32")
    return [f"stored as {name}: {count} array{'s' * (count != 1)}" for name, count in others.items()]


def _type_name(number):
    """NumPy's name of an ONNX type."""
    try:
        return helper.tensor_dtype_to_np_dtype(number).name
    except KeyError:
        return f"type {number}, which ONNX does not know"


def _array(initializer):
    try:
        return numpy_helper.to_array(initializer)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"weight {initializer.name!r}: its bytes do not fill shape {initializer.dims}: {one_line(error, 200)}"
        ) from None


def _line(what, names):
    """``what`` with the names it is true of; nothing where there are none."""
    if not names:
        return []
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return [f"{what}: {len(names)} ({', '.join(names[:MOST_LISTED])}{more})"]
