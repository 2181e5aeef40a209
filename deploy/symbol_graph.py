"""MXNet symbol graphs (``*-symbol.json`` of MXNet 0.8 to 1.9), read without MXNet.

A graph is a list of nodes in topological order. Up to 0.8 an operator's attributes stand under
``param``, in 0.9 and 0.10 under ``attr``, later under ``attrs``; an edge is ``[node, output]`` up to 0.8
and ``[node, output, version]`` later. Up to 0.8 the auxiliary states of a BatchNorm are not nodes.
"""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from insightrec.deploy.symbol_node import VARIABLE, Entry, Node
from insightrec.recordio_tools.errors import ModelError

MAX_BYTES = 1 << 26  # the largest known graph (2,339 nodes) takes 0.6 MB
MAX_OUTPUTS = 1 << 10  # of one node; a count is listed output by output
AUXILIARY_INPUTS = {"BatchNorm": ("moving_mean", "moving_var"), "BatchNorm_v1": ("moving_mean", "moving_var")}
DATA = "data"  # MXNet's conventional name of the input
EMBEDDING = "fc1_output"  # the feature tap of InsightFace's networks
CLASSIFIER = "fc7"  # their classification layer, whose input is the (scaled, normalised) embedding
_BEFORE_CLASSIFIER = ("L2Normalization", "_mul_scalar", "_MulScalar")
_LOSSES = ("SoftmaxOutput", "Softmax", "MakeLoss", "make_loss", "BlockGrad", "stop_gradient")


@dataclass(frozen=True)
class SymbolGraph:
    """Nodes in topological order and the outputs (heads) the graph was saved with."""

    nodes: tuple  # of Node
    heads: tuple  # of Entry
    source: str = "graph"  # the file, for errors
    mxnet_version: Optional[int] = None  # 10901 is 1.9.1; up to 0.8 files do not say it

    @property
    def argument_names(self):
        """Variables other than auxiliary states, in order: the data, parameters and labels."""
        auxiliary = set(self.auxiliary_names)
        return [node.name for node in self.nodes if node.is_variable and node.name not in auxiliary]

    @property
    def auxiliary_names(self):
        """Variables that hold moving means and variances, in order of use, each once."""
        states = (entry for node in self.nodes if node.op in AUXILIARY_INPUTS for entry in node.inputs[3:])
        return list(dict.fromkeys(self.nodes[entry.node].name for entry in states))

    @property
    def output_names(self):
        """Every output of every operator, in order, as MXNet names them: ``fc1_output``."""
        return [node.output_name(i) for node in self.nodes if not node.is_variable for i in range(node.output_count)]

    def data_name(self, params):
        """The variable that images enter by: ``data``, or else the first that ``params`` do not hold."""
        variables = [node.name for node in self.nodes if node.is_variable]
        known = {*params.arg, *params.aux}
        return DATA if DATA in variables else next((name for name in variables if name not in known), DATA)

    def name_of(self, entry):
        """The name of one output."""
        return self.nodes[entry.node].output_name(entry.output)

    def find_output(self, name):
        """The `Entry` called ``name``, with or without ``_output``; the last one where several share it.

        Raises:
            ModelError: there is none; the message lists the nearest names.
        """
        for wanted in (name, f"{name}_output"):
            for index in reversed(range(len(self.nodes))):
                node = self.nodes[index]
                for output in range(0 if node.is_variable else node.output_count):
                    if node.output_name(output) == wanted:
                        return Entry(index, output)
        names = {found.replace("_output", ""): found for found in self.output_names}
        near = difflib.get_close_matches(name.replace("_output", ""), names) or list(names)[-3:]
        raise ModelError(f"{self.source}: no output {name!r}; near it are: {', '.join(names[bare] for bare in near)}")

    def embedding_output(self):
        """The `Entry` whose value is the embedding.

        1. ``fc1_output``, the name in InsightFace's networks;
        2. else (heads A, B and Z) what enters the classifier ``fc7``, before it is normalised and scaled;
        3. else the graph's first head, without the loss it may end in.
        """
        operators = {node.name: node for node in self.nodes if node.inputs}
        if EMBEDDING in self.output_names:
            return self.find_output(EMBEDDING)
        if CLASSIFIER in operators:
            return self._before(operators[CLASSIFIER].inputs[0], _BEFORE_CLASSIFIER)
        return self._before(self.heads[0], _LOSSES)

    def subgraph(self, entries):
        """The graph that computes ``entries`` and nothing else, with them as its heads."""
        needed = {entry.node for entry in entries}
        for index in reversed(range(len(self.nodes))):
            if index in needed:
                needed.update(entry.node for entry in self.nodes[index].inputs)
        new = {old: position for position, old in enumerate(sorted(needed))}

        def moved(old):
            return tuple(Entry(new[entry.node], entry.output) for entry in old)

        nodes = [self.nodes[old] for old in sorted(needed)]
        nodes = tuple(Node(n.op, n.name, n.attributes, moved(n.inputs), n.source) for n in nodes)
        return SymbolGraph(nodes, moved(entries), self.source, self.mxnet_version)

    def _before(self, entry, operators):
        """The output that passes through ``operators``, by their first inputs, to become ``entry``."""
        while self.nodes[entry.node].op in operators and self.nodes[entry.node].inputs:
            entry = self.nodes[entry.node].inputs[0]
        return entry


def read_symbol(path):
    """Read a symbol file into a `SymbolGraph`.

    Raises:
        ModelError: not JSON, not a symbol graph, or with edges to nodes that do not exist or come later.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: expected a symbol graph of at most {MAX_BYTES} bytes, found more")
    return parse_symbol(data, str(path))


def parse_symbol(data, source="graph"):
    """`read_symbol` on the file's content, text or bytes; ``source`` names it in errors."""
    try:
        tree = json.loads(data)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ModelError(f"{source}: {place}: expected JSON ({error.msg}); the file is cut or damaged") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{source}: expected JSON, found something else ({error})") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("nodes"), list) or not isinstance(tree.get("heads"), list):
        raise ModelError(f"{source}: expected a symbol graph, an object with the lists 'nodes' and 'heads'")
    builder = _Builder(source)
    for index, item in enumerate(tree["nodes"]):
        builder.add(index, item)
    heads = builder.entries(tree["heads"], "heads")
    if not heads:
        raise ModelError(f"{source}: expected at least one head, found none")
    return SymbolGraph(tuple(builder.nodes), heads, source, _mxnet_version(tree.get("attrs"), source))


def _mxnet_version(attributes, source):
    """The number in ``{"mxnet_version": ["int", 10901]}``, None where there is none."""
    entry = attributes.get("mxnet_version") if isinstance(attributes, dict) else None
    if entry is None:
        return None
    if not isinstance(entry, list) or len(entry) != 2 or entry[0] != "int" or type(entry[1]) is not int:
        raise ModelError(f"{source}: mxnet_version: expected a pair such as ['int', 10901], found {entry!r:.40}")
    return entry[1]


class _Builder:
    """Nodes in their final order: the file's, with the auxiliary variables that MXNet 0.8 left out."""

    def __init__(self, source):
        self.source = source
        self.nodes = []
        self.position = []  # of each of the file's nodes

    def add(self, index, item):
        place = f"node {index}"
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("op", "name")):
            raise ModelError(f"{self.source}: {place}: expected an object with the texts 'op' and 'name'")
        place = f"{place} ({item['op']} {item['name']!r})"
        attributes = {}
        for key in ("param", "attr", "attrs"):
            found = item.get(key) or {}
            if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
                raise ModelError(f"{self.source}: {place}: expected an object of texts under {key!r}")
            attributes.update(found)
        op, name = item["op"], item["name"]
        inputs = self.entries(item.get("inputs"), place)
        if op in AUXILIARY_INPUTS and len(inputs) == 3:
            for suffix in AUXILIARY_INPUTS[op]:
                inputs += (Entry(len(self.nodes), 0),)
                self.nodes.append(Node(VARIABLE, f"{name}_{suffix}", source=self.source))
        node = Node(op, name, attributes, inputs, self.source)
        if not 1 <= node.output_count <= MAX_OUTPUTS:
            raise node.error(f"expected 1 to {MAX_OUTPUTS} outputs, found {node.output_count}")
        self.position.append(len(self.nodes))
        self.nodes.append(node)

    def entries(self, edges, place):
        """Edges as `Entry` of nodes that are there already; a graph in topological order has no others."""
        if not isinstance(edges, list):
            raise ModelError(f"{self.source}: {place}: expected a list of inputs, found {edges!r:.40}")
        return tuple(self.entry(edge, place) for edge in edges)

    def entry(self, edge, place):
        if not isinstance(edge, list) or len(edge) not in (2, 3) or not all(type(number) is int for number in edge):
            raise ModelError(f"{self.source}: {place}: expected an edge [node, output], found {edge!r:.40}")
        known = len(self.position)
        if not 0 <= edge[0] < known:
            raise ModelError(
                f"{self.source}: {place}: expected an edge to a node 0..{known - 1} before it, found {edge}"
            )
        if not 0 <= edge[1] < MAX_OUTPUTS:
            raise ModelError(
                f"{self.source}: {place}: expected an edge to an output 0..{MAX_OUTPUTS - 1}, found {edge}"
            )
        return Entry(self.position[edge[0]], edge[1])
