"""Training checkpoints cut down to their embedding."""

import json

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import find_model
from insightrec.deploy.model_slim import main, slim
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import Params, read_params, write_params
from insightrec.deploy.symbol_graph import parse_symbol, read_symbol
from insightrec.recordio_tools.errors import ModelError

CLASSES, DIMENSIONS, PIXELS = 7, 5, (3, 4, 4)


def checkpoint(embedding="fc1"):
    """The symbol file of BatchNorm(FullyConnected(data)) with an ArcFace-like classifier and its loss behind it."""
    fixed = {"fix_gamma": "True", "eps": "2e-05"}
    nodes = [
        ("null", "data", []),
        ("null", "pre_weight", [], {"lr_mult": "2"}),
        ("FullyConnected", "pre_fc1", [0, 1], {"num_hidden": str(DIMENSIONS), "no_bias": "True"}),
        *(("null", f"{embedding}_{part}", []) for part in ("gamma", "beta", "moving_mean", "moving_var")),
        ("BatchNorm", embedding, [2, 3, 4, 5, 6], fixed),
        ("null", "fc7_weight", []),
        ("L2Normalization", "fc1n", [7]),
        ("FullyConnected", "fc7", [9, 8], {"num_hidden": str(CLASSES), "no_bias": "True"}),
        ("null", "softmax_label", []),
        ("SoftmaxOutput", "softmax", [10, 11]),
    ]
    items = [
        {"op": op, "name": name, "attrs": more[0] if more else {}, "inputs": [[i, 0, 0] for i in inputs]}
        for op, name, inputs, *more in nodes
    ]
    version = {"mxnet_version": ["int", 10000]}
    return json.dumps({"nodes": items, "arg_nodes": [0, 1], "heads": [[12, 0, 0]], "attrs": version})


def parameters():
    rng = np.random.default_rng(3)
    return {
        "arg:fc7_weight": rng.normal(size=(CLASSES, DIMENSIONS)).astype(np.float32),
        "aux:fc1_moving_mean": rng.normal(size=DIMENSIONS).astype(np.float32),
        "aux:fc1_moving_var": rng.uniform(0.5, 2, DIMENSIONS).astype(np.float32),
        "arg:fc1_beta": rng.normal(size=DIMENSIONS).astype(np.float32),
        "arg:fc1_gamma": np.ones(DIMENSIONS, np.float32),
        "arg:pre_weight": rng.normal(size=(DIMENSIONS, 48)).astype(np.float16),
    }


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model-symbol.json").write_text(checkpoint())
    write_params(tmp_path / "model-0012.params", parameters())
    return f"{tmp_path / 'model'},12"


def test_classifier_loss_and_label_are_dropped_and_the_rest_is_kept_in_order():
    graph, params = slim(parse_symbol(checkpoint()), Params(parameters()))
    assert [graph.name_of(head) for head in graph.heads] == ["fc1_output"]
    assert graph.argument_names == ["data", "pre_weight", "fc1_gamma", "fc1_beta"]
    assert graph.nodes[1].attributes == {"lr_mult": "2"}
    assert list(params.arrays) == [name for name in parameters() if name != "arg:fc7_weight"]


def test_another_output():
    graph, params = slim(parse_symbol(checkpoint()), Params(parameters()), "pre_fc1")
    assert [graph.name_of(head) for head in graph.heads] == ["pre_fc1_output"]
    assert list(params.arrays) == ["arg:pre_weight"]


def test_missing_parameters_are_named():
    arrays = {name: array for name, array in parameters().items() if "moving" not in name}
    with pytest.raises(ModelError, match=r"net.params: .*fc1_output, found none called aux:fc1_moving_mean, aux:fc1_m"):
        slim(parse_symbol(checkpoint()), Params(arrays, "net.params"))


def test_a_parameter_under_the_wrong_kind_is_missing():
    arrays = {name.replace("aux:", "arg:"): array for name, array in parameters().items()}
    with pytest.raises(ModelError, match="none called aux:fc1_moving_mean"):
        slim(parse_symbol(checkpoint()), Params(arrays))


@pytest.mark.parametrize("shape", [(), (0,), (5, 0)])
def test_an_empty_parameter_is_refused(shape):
    arrays = {**parameters(), "arg:fc1_beta": np.zeros(shape, np.float32)}
    with pytest.raises(ModelError, match=r"net.params: arg:fc1_beta: expected 1 or more numbers, found shape"):
        slim(parse_symbol(checkpoint()), Params(arrays, "net.params"))


def test_an_output_without_a_name(model, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", model, "--output", "/"])
    assert stopped.value.code == 2
    assert "expected a prefix" in capsys.readouterr().err


def test_an_embedding_that_is_a_variable():
    nodes = [{"op": "null", "name": "data", "inputs": []}]
    with pytest.raises(ModelError, match="null node 'data': expected an operator as output"):
        slim(parse_symbol(json.dumps({"nodes": nodes, "heads": [[0, 0, 0]]})), Params())


def test_files_are_named_as_upstreams_and_give_the_same_embeddings(model, tmp_path, capsys):
    main(["--model", model])
    out = capsys.readouterr().out
    assert "fc1_output, 260 numbers" in out
    assert out.startswith(f"{tmp_path / 'models'},0: ")
    assert out.splitlines()[1:] == [
        "dropped outputs: softmax_output",
        "dropped layers: fc1n, fc7, softmax",
        "dropped arrays: arg:fc7_weight; 35 numbers",
    ]
    slimmed = tmp_path / "models-symbol.json", tmp_path / "models-0000.params"
    found = read_params(slimmed[1]).arrays
    for name, array in found.items():
        assert array.dtype == parameters()[name].dtype
        np.testing.assert_array_equal(array, parameters()[name])
    images = np.random.default_rng(4).integers(0, 256, (6, 4, 4, 3), np.uint8)
    before, after = (
        Embedder(name, image_size=(4, 4), threads=1).embed(images) for name in (model, f"{tmp_path / 'models'},0")
    )
    assert before.tobytes() == after.tobytes()
    original, cut = read_symbol(find_model(model).graph), read_symbol(slimmed[0])
    shape = {"input_shape": PIXELS}
    assert convert(original, Params(parameters()), **shape) == convert(cut, read_params(slimmed[1]), **shape)


def test_where_nothing_can_be_dropped_nothing_is_written(model, tmp_path, capsys):
    main(["--model", model])
    before = sorted(tmp_path.iterdir())
    capsys.readouterr()
    for arguments in ([], ["--output", str(tmp_path / "again")]):
        with pytest.raises(SystemExit) as stopped:
            main(["--model", f"{tmp_path / 'models'},0", *arguments])
        assert stopped.value.code == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "beside fc1_output, found nothing to drop; use the model as it is" in err
    assert sorted(tmp_path.iterdir()) == before


def test_a_loss_without_parameters_is_something_to_drop(model, tmp_path, capsys):
    main(["--model", model, "--output", str(tmp_path / "classifier"), "--output-layer", "fc7"])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "dropped outputs: softmax_output",
        "dropped layers: softmax",
        "dropped arrays: none; 0 numbers",
    ]


def test_an_unused_array_is_something_to_drop(model, tmp_path, capsys):
    main(["--model", model])
    arrays = {f"arg:spare{number}": np.ones(2, np.float32) for number in range(10)}
    arrays.update(read_params(tmp_path / "models-0000.params").arrays)
    write_params(tmp_path / "models-0001.params", arrays)
    capsys.readouterr()
    main(["--model", f"{tmp_path / 'models'},1"])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "dropped outputs: none",
        "dropped layers: none",
        f"dropped arrays: {', '.join(list(arrays)[:8])} and 2 more; 20 numbers",
    ]


def test_existing_files_are_kept(model, tmp_path, capsys):
    (tmp_path / "models-0000.params").write_bytes(b"mine")
    for arguments, message in (([], "--overwrite"), (["--output", str(tmp_path / "model")], "own graph")):
        with pytest.raises(SystemExit) as stopped:
            main(["--model", model, *arguments])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err
    assert (tmp_path / "models-0000.params").read_bytes() == b"mine"
    assert not (tmp_path / "models-symbol.json").exists()
    main(["--model", model, "--overwrite"])
    assert read_params(tmp_path / "models-0000.params").arrays


def test_the_checkpoints_own_graph_is_never_replaced(model, tmp_path):
    before = (tmp_path / "model-symbol.json").read_bytes()
    with pytest.raises(SystemExit):
        main(["--model", model, "--output", str(tmp_path / "model"), "--overwrite"])
    assert (tmp_path / "model-symbol.json").read_bytes() == before


def test_an_onnx_file_is_refused(tmp_path, capsys):
    (tmp_path / "net.onnx").write_bytes(b"x")
    with pytest.raises(SystemExit):
        main(["--model", str(tmp_path / "net.onnx")])
    assert "expected an MXNet model" in capsys.readouterr().err


@pytest.mark.mxnet
def test_mxnet_loads_the_result(model, tmp_path, mx):
    main(["--model", model, "--output", str(tmp_path / "embedding")])
    symbol, arguments, states = mx.model.load_checkpoint(str(tmp_path / "embedding"), 0)
    assert symbol.list_outputs() == ["fc1_output"]
    assert set(symbol.list_arguments()) == {"data", *arguments}
    assert set(symbol.list_auxiliary_states()) == set(states)
    images = np.random.default_rng(4).integers(0, 256, (2, 4, 4, 3), np.uint8)
    arguments = {name: array.astype("float32") for name, array in arguments.items()}
    arguments["data"] = mx.nd.array(images.transpose(0, 3, 1, 2))
    expected = symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req="null").forward()[0].asnumpy()
    found = Embedder(f"{tmp_path / 'embedding'},0", image_size=(4, 4)).embed(images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
