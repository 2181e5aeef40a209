import pytest

from insightrec.deploy.embedding_part import embedding_part, needed_parameters
from insightrec.deploy.params_file import Params
from insightrec.deploy.symbol_graph import SymbolGraph
from insightrec.deploy.symbol_node import Entry, Node
from insightrec.recordio_tools.errors import ModelError


def graph(*nodes):
    """A graph of (op, name, positions of inputs), with the last node as its head."""
    nodes = [Node(op, name, {}, tuple(Entry(index, 0) for index in inputs)) for op, name, inputs in nodes]
    return SymbolGraph(tuple(nodes), (Entry(len(nodes) - 1, 0),))


NORMALIZED = graph(
    ("null", "image", ()),
    *(("null", f"fc1_{part}", ()) for part in ("gamma", "beta", "moving_mean", "moving_var")),
    ("BatchNorm", "fc1", (0, 1, 2, 3, 4)),
    ("null", "fc7_weight", ()),
    ("FullyConnected", "fc7", (5, 6)),
)


def test_states_are_aux_and_the_image_is_no_parameter():
    part = embedding_part(NORMALIZED)
    assert [node.name for node in part.nodes if not node.is_variable] == ["fc1"]
    params = Params({"arg:fc1_gamma": 0, "arg:fc1_beta": 0, "aux:fc1_moving_mean": 0, "aux:fc1_moving_var": 0})
    assert needed_parameters(part, params) == list(params.arrays)


def test_another_output():
    assert "fc7_weight" in embedding_part(NORMALIZED, "fc7").argument_names
    with pytest.raises(ModelError, match="no output 'fc9'"):
        embedding_part(NORMALIZED, "fc9")


def test_an_embedding_that_is_a_variable():
    with pytest.raises(ModelError, match="null node 'data': expected an operator as output"):
        embedding_part(graph(("null", "data", ())))
