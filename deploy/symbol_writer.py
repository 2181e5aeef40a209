"""Symbol graphs written as the ``*-symbol.json`` that MXNet 1.0 to 1.9 reads.

Attributes stand under ``attrs`` and edges are ``[node, output, version]``, as since MXNet 1.0; every MXNet since
0.11 reads them so. The version of the file that the graph came from is kept, because MXNet repairs the attributes
of an older version when it loads them. The optional ``node_row_ptr`` is left out: it counts hidden outputs, and
MXNet makes its own.
"""

import json


def format_symbol(graph):
    """The file's content, bytes: UTF-8 JSON that `symbol_graph.parse_symbol` reads back as the same ``graph``."""
    tree = {
        "nodes": [_node(node) for node in graph.nodes],
        "arg_nodes": [index for index, node in enumerate(graph.nodes) if node.is_variable],
        "heads": [_edge(entry) for entry in graph.heads],
    }
    if graph.mxnet_version is not None:
        tree["attrs"] = {"mxnet_version": ["int", graph.mxnet_version]}
    # MXNet's JSON reader knows no \u escapes, so names stand as they are.
    return json.dumps(tree, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _node(node):
    item = {"op": node.op, "name": node.name}
    if node.attributes:
        item["attrs"] = node.attributes
    return {**item, "inputs": [_edge(entry) for entry in node.inputs]}


def _edge(entry):
    return [entry.node, entry.output, 0]
