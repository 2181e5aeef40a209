"""Symbol files written: the same graph comes back, here and in MXNet."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.deploy.symbol_graph import SymbolGraph, parse_symbol
from insightrec.deploy.symbol_node import Entry, Node
from insightrec.deploy.symbol_writer import format_symbol

SOURCE = "net-symbol.json"


def node(op, name, inputs=(), **attributes):
    return Node(op, name, attributes, tuple(Entry(*edge) for edge in inputs), SOURCE)


SMALL = SymbolGraph(
    (
        node("null", "data"),
        node("null", "scale", __init__='["one", {}]'),
        node("SliceChannel", "s", [(0, 0)], num_outputs="2"),
        node("broadcast_mul", "fc1", [(2, 1), (1, 0)]),
    ),
    (Entry(3, 0),),
    SOURCE,
    10901,
)


def test_content():
    assert json.loads(format_symbol(SMALL)) == {
        "nodes": [
            {"op": "null", "name": "data", "inputs": []},
            {"op": "null", "name": "scale", "attrs": {"__init__": '["one", {}]'}, "inputs": []},
            {"op": "SliceChannel", "name": "s", "attrs": {"num_outputs": "2"}, "inputs": [[0, 0, 0]]},
            {"op": "broadcast_mul", "name": "fc1", "inputs": [[2, 1, 0], [1, 0, 0]]},
        ],
        "arg_nodes": [0, 1],
        "heads": [[3, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10901]},
    }


def test_a_graph_without_a_version_stays_one():
    graph = SymbolGraph(SMALL.nodes, SMALL.heads, SOURCE)
    assert b"mxnet_version" not in format_symbol(graph)
    assert parse_symbol(format_symbol(graph), SOURCE) == graph


@st.composite
def graphs(draw):
    nodes = []
    for index in range(draw(st.integers(1, 6))):
        before = st.builds(Entry, st.integers(0, index - 1), st.integers(0, 3))
        edges = draw(st.lists(before, max_size=3)) if index else []
        op = draw(st.sampled_from(["null", "Convolution", "ä"]))
        attributes = draw(st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3))
        nodes.append(Node(op, draw(st.text(max_size=4)), attributes, tuple(edges), SOURCE))
    heads = draw(st.lists(st.builds(Entry, st.integers(0, len(nodes) - 1), st.integers(0, 3)), min_size=1, max_size=2))
    return SymbolGraph(tuple(nodes), tuple(heads), SOURCE, draw(st.none() | st.integers(0, 20000)))


@given(graphs())
def test_what_is_written_is_read_back(graph):
    assert parse_symbol(format_symbol(graph), SOURCE) == graph


@pytest.mark.mxnet
def test_mxnet_reads_it(mx):
    symbol = mx.sym.load_json(format_symbol(SMALL).decode())
    assert (symbol.list_arguments(), symbol.list_outputs()) == (["data", "scale"], ["fc1_output"])
    assert symbol.attr_dict()["scale"] == {"__init__": '["one", {}]'}
    data, scale = np.arange(8, dtype=np.float32).reshape(1, 4, 2), np.full((1, 1, 1), 3, np.float32)
    executor = symbol.bind(mx.cpu(), {"data": mx.nd.array(data), "scale": mx.nd.array(scale)})
    np.testing.assert_array_equal(executor.forward()[0].asnumpy(), 3 * data[:, 2:])


@pytest.mark.mxnet
def test_mxnet_reads_names_beyond_ascii(mx):
    graph = SymbolGraph((node("null", "däta"), node("relu", "fc1", [(0, 0)])), (Entry(1, 0),), SOURCE, 10901)
    assert mx.sym.load_json(format_symbol(graph).decode()).list_arguments() == ["däta"]
