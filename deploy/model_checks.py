"""What is wrong with a model's weights, or worth knowing before it is used."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from insightrec.deploy.embedding_part import needed_parameters
from insightrec.deploy.symbol_graph import AUXILIARY_INPUTS
from insightrec.recordio_tools.errors import ModelError, one_line

MOST_LISTED = 5
ONNX_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


class Checks(NamedTuple):
    """Lines for people: ``problems`` keep the model from giving right embeddings, ``notes`` do not."""

    problems: list
    notes: list


def check_mxnet(graph, params):
    """`Checks` of the `Params` that ``graph``, ending at the embedding, is to run with.

    Missing and unused parameters, numbers that are not finite, negative variances, gammas that ``fix_gamma`` makes
    MXNet ignore, and arrays that are not float32 (what runs them here computes in float32).
    """
    needed = needed_parameters(graph, params)
    used = {name: params.arrays[name] for name in needed if name in params.arrays}
    variances = [name for name in used if name.endswith("_var")]
    problems = [
        *_line("missing", [name for name in needed if name not in used]),
        *_weight_problems(used, variances),
    ]
    unused = [name for name in params.arrays if name not in used]
    size = sum(params.arrays[name].nbytes for name in unused)
    notes = [
        *_line(f"not needed for the embedding, {size} bytes (model_slim drops them)", unused),
        *_line("fix_gamma: MXNet takes 1 whatever the file holds, which is not 1", _ignored_gammas(graph, params)),
        *_types(array.dtype.name for array in used.values()),
    ]
    return Checks(problems, notes)


def check_onnx(model):
    """`Checks` of an ``onnx.ModelProto``.

    Numbers that are not finite, negative variances, weights that are unused, listed as inputs or not float32.

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
    return Checks(_weight_problems(arrays, variances), notes)


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
