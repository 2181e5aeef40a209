"""MXNet models to ONNX, from the symbol graph and the parameters alone.

The graph is walked in order and every node is handed to the rule of its operator. All arithmetic is in
float32, whatever type the parameters are stored in.
"""

import difflib

from onnx.checker import ValidationError

# onnx_layers and onnx_arithmetic fill RULES when they are imported.
from insightrec.deploy import onnx_arithmetic, onnx_layers  # noqa: F401
from insightrec.deploy.node_conversion import RULES, NodeConversion
from insightrec.deploy.onnx_graph import OPSET, OPSETS, OnnxGraph, Value
from insightrec.recordio_tools.errors import ModelError, one_line


def convert(graph, params, *, outputs=None, input_shape=(3, 112, 112), batch=None, opset=OPSET):
    """Convert a `SymbolGraph` and its `Params` to an ``onnx.ModelProto``.

    Args:
        graph: the symbol graph.
        params: its parameters; those the outputs do not need are left out.
        outputs: names of the outputs as `SymbolGraph.find_output` takes them; the embedding if None.
        input_shape: (C, H, W) of one input; None for a size known only at run time.
        batch: the batch size; None for one known only at run time.
        opset: the version of ONNX's operators, one of `OPSETS`.

    Returns:
        A model of IR 8 with one input, float32 (batch, C, H, W), under the graph's own name (``data``), and the
        outputs, float32, under MXNet's names (``fc1_output``).

    Raises:
        ValueError: ``opset`` is none of `OPSETS`.
        ModelError: an operator, an attribute or a name is not supported, or a parameter is missing or has another
            shape than the graph and ``input_shape`` ask for; the message names the file, the node and the operator.
    """
    if opset not in OPSETS:
        raise ValueError(f"expected an opset of {OPSETS[0]} to {OPSETS[-1]}, found {opset}")
    heads = [graph.find_output(name) for name in outputs] if outputs else [graph.embedding_output()]
    graph = graph.subgraph(heads)
    for entry in graph.heads:
        if graph.nodes[entry.node].is_variable:
            raise graph.nodes[entry.node].error("expected an operator as output, found a variable; name an output")
    arrays = {**params.aux, **params.arg}
    onnx = OnnxGraph()
    data_name = graph.data_name(params)
    data = Value(onnx.unique(data_name), (batch, *input_shape))
    values = []  # of each node, its outputs; a variable stands for itself by name until a rule asks for it

    def output_of(entry):
        outputs = values[entry.node]
        if entry.output >= len(outputs):
            raise graph.nodes[entry.node].error(
                f"expected an edge to one of {len(outputs)} outputs, found {entry.output}"
            )
        return outputs[entry.output]

    for node in graph.nodes:
        if not _is_name(node.name):
            raise node.error("expected a name of 1 or more characters that UTF-8 can hold; rename the node")
        if node.is_variable:
            values.append([data if node.name == data_name else node.name])
            continue
        if node.op not in RULES:
            near = difflib.get_close_matches(node.op, RULES)
            hint = f" (similar ones: {', '.join(near)})" if near else ""
            raise node.error(f"this operator is not supported{hint}; choose an output before this node")
        inputs = [output_of(entry) for entry in node.inputs]
        values.append(RULES[node.op](NodeConversion(node, inputs, arrays, onnx, params.source)))
    try:
        return onnx.model("insightrec", [data], [output_of(entry) for entry in graph.heads], opset)
    except ValidationError as error:
        raise ModelError(
            f"{graph.source}: expected a graph that ONNX can hold, found one it refuses: {one_line(error)}"
        ) from None


def _is_name(text):
    """Whether ONNX, whose files are protocol buffers, can name a value so; JSON can hold half a surrogate pair."""
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False
