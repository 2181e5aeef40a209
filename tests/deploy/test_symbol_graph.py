import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.deploy.params_file import Params
from insightrec.deploy.symbol_graph import parse_symbol, read_symbol
from insightrec.deploy.symbol_node import Entry
from insightrec.recordio_tools.errors import ModelError


def text(*nodes, heads=None):
    """A symbol file of (op, name, inputs by position[, attributes])."""
    items = [
        {"op": op, "name": name, "inputs": [[i, 0, 0] for i in inputs], "attrs": more[0] if more else {}}
        for op, name, inputs, *more in nodes
    ]
    return json.dumps({"nodes": items, "heads": [[i, 0, 0] for i in heads or [len(nodes) - 1]]})


TRAINING = (
    ("null", "data", []),
    ("BatchNorm", "fc1", [0]),
    ("null", "fc7_weight", []),
    ("L2Normalization", "l2normalization0", [2]),
    ("L2Normalization", "fc1n", [1]),
    ("_mul_scalar", "_mulscalar0", [4], {"scalar": "64"}),
    ("FullyConnected", "fc7", [5, 3]),
    ("null", "softmax_label", []),
    ("SoftmaxOutput", "softmax", [6, 7]),
    ("BlockGrad", "blockgrad0", [1]),
)


def training(embedding):
    return [(op, embedding if name == "fc1" else name, *rest) for op, name, *rest in TRAINING]


def test_names():
    graph = parse_symbol(text(*TRAINING, heads=[9, 8]))
    assert graph.argument_names == ["data", "fc7_weight", "softmax_label"]
    assert graph.auxiliary_names == []
    assert graph.output_names[:2] == ["fc1_output", "l2normalization0_output"]
    assert [graph.name_of(head) for head in graph.heads] == ["blockgrad0_output", "softmax_output"]


@pytest.mark.parametrize(
    ("nodes", "heads", "expected"),
    [
        (TRAINING, [8], "fc1_output"),
        (training("pre_fc1"), [8], "pre_fc1_output"),  # heads A, B and Z have no fc1
        (training("pre_fc1"), [9, 8], "pre_fc1_output"),
        ((TRAINING[0], ("FullyConnected", "emb", [0]), ("BlockGrad", "stop", [1])), [2], "emb_output"),
        ((TRAINING[0], ("Flatten", "flatten0", [0])), [1], "flatten0_output"),
        ((("null", "data", []), ("null", "w", []), ("FullyConnected", "fc7", [0, 1])), [2], "data"),
    ],
)
def test_embedding_output(nodes, heads, expected):
    graph = parse_symbol(text(*nodes, heads=heads))
    assert graph.name_of(graph.embedding_output()) == expected


def test_find_output_with_or_without_its_ending():
    graph = parse_symbol(text(*TRAINING))
    assert graph.find_output("fc7") == graph.find_output("fc7_output") == Entry(6, 0)
    with pytest.raises(ModelError, match=r"graph: no output 'fc8'; near it are: fc7_output"):
        graph.find_output("fc8")
    with pytest.raises(ModelError, match=r"no output 'data'"):
        graph.find_output("data")


def test_find_one_of_several_outputs():
    graph = parse_symbol(text(("null", "data", []), ("SliceChannel", "s", [0], {"num_outputs": "3"})))
    assert graph.find_output("s_output2") == Entry(1, 2)


def test_subgraph_keeps_what_the_outputs_need():
    graph = parse_symbol(text(*TRAINING)).subgraph([Entry(6, 0)])
    names = ["data", "fc1", "fc7_weight", "l2normalization0", "fc1n", "_mulscalar0", "fc7"]
    assert [node.name for node in graph.nodes] == names
    assert graph.heads == (Entry(6, 0),)
    assert [names[entry.node] for entry in graph.nodes[6].inputs] == ["_mulscalar0", "l2normalization0"]


def test_data_name():
    graph = parse_symbol(text(("null", "w", []), ("null", "image", []), ("null", "b", []), ("f", "f", [0, 1, 2])))
    assert graph.data_name(Params({"arg:w": np.zeros(1), "arg:b": np.zeros(1)})) == "image"
    graph = parse_symbol(text(("null", "w", []), ("null", "data", []), ("f", "f", [0, 1])))
    assert graph.data_name(Params()) == "data"


def test_the_version_is_kept(tiny_graph):
    graph = parse_symbol(tiny_graph("relu"))
    assert graph.mxnet_version == graph.subgraph(graph.heads).mxnet_version == 10901
    assert parse_symbol(json.dumps(OLD)).mxnet_version is None
    with pytest.raises(
        ModelError, match=r"graph: mxnet_version: expected a pair such as \['int', 10901\], found 'new'"
    ):
        parse_symbol(tiny_graph("relu").replace('["int", 10901]', '"new"'))


@pytest.mark.parametrize("key", ["param", "attr", "attrs"])
def test_attributes_of_every_age(tiny_graph, key):
    assert parse_symbol(tiny_graph("Pooling", {"kernel": (2, 2)}, key=key)).nodes[-1].attributes == {"kernel": "(2, 2)"}


OLD = {
    "nodes": [
        *({"op": "null", "param": {}, "name": name, "inputs": []} for name in ("data", "bn_gamma", "bn_beta")),
        {"op": "BatchNorm", "param": {"eps": "1e-05"}, "name": "bn", "inputs": [[0, 0], [1, 0], [2, 0]]},
        {"op": "Activation", "param": {"act_type": "relu"}, "name": "relu", "inputs": [[3, 0]]},
    ],
    "arg_nodes": [0, 1, 2],
    "heads": [[4, 0]],
}


def test_batch_norm_of_mxnet_0_8_gets_its_states():
    graph = parse_symbol(json.dumps(OLD))
    assert graph.auxiliary_names == ["bn_moving_mean", "bn_moving_var"]
    assert graph.argument_names == ["data", "bn_gamma", "bn_beta"]
    assert graph.nodes[graph.heads[0].node].name == "relu"
    inputs = [graph.nodes[entry.node].name for entry in graph.nodes[graph.find_output("bn").node].inputs]
    assert inputs == ["data", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"]


@pytest.mark.mxnet
def test_batch_norm_of_mxnet_0_8_as_mxnet_reads_it(mx):
    old = json.loads(json.dumps(OLD))
    for node in old["nodes"]:
        node["backward_source_id"] = -1
    symbol, graph = mx.sym.load_json(json.dumps(old)), parse_symbol(json.dumps(old))
    assert symbol.list_auxiliary_states() == graph.auxiliary_names
    assert symbol.list_arguments() == graph.argument_names


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "line 1, column 1: expected JSON"),
        ('{"nodes": [', "expected JSON"),
        (b"\xff\xfe\x00", "expected JSON, found something else"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected a symbol graph"),
        ('{"nodes": {}, "heads": []}', "expected a symbol graph"),
        ('{"nodes": [], "heads": []}', "expected at least one head, found none"),
        ('{"nodes": [7], "heads": []}', "node 0: expected an object with the texts 'op' and 'name'"),
        (text(("f", "a", [0])), r"node 0 (f 'a'): expected an edge to a node 0..-1 before it, found [0, 0, 0]"),
        (text(("f", "a", [1]), ("f", "b", [0])), "node 0 (f 'a'): expected an edge"),
        (text(("null", "a", []), heads=[-1]), "heads: expected an edge to a node 0..0"),
        (text(("null", "a", []), heads=[5]), "heads: expected an edge to a node 0..0"),
        (
            text(("null", "a", [])).replace("[0, 0, 0]", "[0, -1, 0]"),
            "expected an edge to an output 0..1023, found [0, -1",
        ),
        (text(("null", "a", [])).replace("[0, 0, 0]", "[true, 0]"), "expected an edge [node, output], found [True, 0]"),
        (text(("null", "a", [])).replace("[0, 0, 0]", "0"), "heads: expected an edge [node, output], found 0"),
        (text(("f", "a", [])).replace('"inputs": []', '"inputs": 3'), "expected a list of inputs, found 3"),
        (text(("f", "a", [], {"axis": 1})), "expected an object of texts under 'attrs'"),
        (text(("split", "a", [], {"num_outputs": "9" * 15})), "expected 1 to 1024 outputs"),
        (text(("split", "a", [], {"num_outputs": "0"})), "expected 1 to 1024 outputs, found 0"),
    ],
)
def test_malformed(data, message):
    with pytest.raises(ModelError) as raised:
        parse_symbol(data, "net-symbol.json")
    assert str(raised.value).startswith("net-symbol.json: ")
    assert message in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["op", "name", "inputs", "attr"]), inner)
    ),
)


@given(JSON, JSON)
@settings(max_examples=200, deadline=None)
def test_any_tree_is_a_graph_or_a_model_error(nodes, heads):
    try:
        graph = parse_symbol(json.dumps({"nodes": nodes, "heads": heads}))
        graph.subgraph([graph.embedding_output()])
    except ModelError:
        pass


def test_read_symbol(tmp_path):
    path = tmp_path / "net-symbol.json"
    with pytest.raises(ModelError, match=r"net-symbol.json: cannot be read"):
        read_symbol(path)
    path.write_text(text(*TRAINING))
    assert read_symbol(path).source == str(path)
    path.write_text(text(*TRAINING)[:200])
    with pytest.raises(ModelError, match=r"net-symbol.json: line 1, column .*cut or damaged"):
        read_symbol(path)
