"""What is said of small models whose every figure is known."""

import json

import numpy as np
import pytest

from insightrec.deploy.model_files import find_model
from insightrec.deploy.model_info import as_text, describe, main
from insightrec.deploy.params_file import read_params, write_params
from insightrec.deploy.to_onnx import main as to_onnx

CONV = {"kernel": "(3, 3)", "num_filter": "4", "stride": "(2, 2)", "pad": "(1, 1)", "no_bias": "True"}
NODES = [
    ("null", "data", [], {}),
    ("null", "conv0_weight", [], {}),
    ("Convolution", "conv0", [0, 1], CONV),
    ("null", "fc1_weight", [], {}),
    ("null", "fc1_bias", [], {}),
    ("FullyConnected", "fc1", [2, 3, 4], {"num_hidden": "5"}),
    ("null", "fc7_weight", [], {}),
    ("FullyConnected", "fc7", [5, 6], {"num_hidden": "9", "no_bias": "True"}),
]
# On 8x6 images: 4x3 positions of 4 filters of 3x3x3, then 48 numbers to 5.
CONV_ADDS, FC_ADDS = 12 * 4 * 27, 48 * 5


@pytest.fixture
def model(tmp_path):
    items = [
        {"op": op, "name": name, "attrs": attributes, "inputs": [[i, 0, 0] for i in inputs]}
        for op, name, inputs, attributes in NODES
    ]
    tree = {
        "nodes": items,
        "arg_nodes": [0, 1, 3, 4, 6],
        "heads": [[7, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10901]},
    }
    (tmp_path / "net-symbol.json").write_text(json.dumps(tree))
    rng = np.random.default_rng(0)
    shapes = {"conv0_weight": (4, 3, 3, 3), "fc1_weight": (5, 48), "fc1_bias": (5,), "fc7_weight": (9, 5)}
    arrays = {f"arg:{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    write_params(tmp_path / "net-0003.params", arrays)
    return f"{tmp_path / 'net'},3"


def test_an_mxnet_model(model):
    report = describe(find_model(model), size=(8, 6))
    assert (report["model"], report["format"], len(report["files"])) == ("net-0003", "MXNet 1.9.1", 2)
    assert report["input"] == {"name": "data", "shape": [None, 3, 8, 6]}
    assert (report["output"], report["embedding_size"]) == ("fc1_output", 5)
    assert report["parameters"] == 4 * 27 + 5 * 48 + 5
    assert report["multiply_adds"] == CONV_ADDS + FC_ADDS
    assert report["operators"]["Conv"] == {"layers": 1, "parameters": 108, "multiply_adds": CONV_ADDS}
    assert report["operators"]["Gemm"] == {"layers": 1, "parameters": 245, "multiply_adds": FC_ADDS}
    assert report["problems"] == []
    assert report["notes"] == ["not needed for the embedding, 180 bytes (model_slim drops them): 1 (arg:fc7_weight)"]


def test_the_classifier_is_counted_where_it_is_asked_for(model):
    report = describe(find_model(model), output="fc7", size=(8, 6))
    assert (report["output"], report["embedding_size"]) == ("fc7_output", 9)
    assert report["multiply_adds"] == CONV_ADDS + FC_ADDS + 45
    assert report["notes"] == []


def test_a_detector_is_no_model_without_problems(model, tmp_path, capsys):
    """The same layers under other names, both outputs kept: nothing says which is the embedding."""
    graph = json.loads((tmp_path / "net-symbol.json").read_text())
    for node in graph["nodes"]:
        node["name"] = node["name"].replace("fc1", "box").replace("fc7", "logit")
    graph["heads"] = [[5, 0, 0], [7, 0, 0]]
    (tmp_path / "net-symbol.json").write_text(json.dumps(graph))
    arrays = read_params(tmp_path / "net-0003.params").arrays
    arrays = {name.replace("fc1", "box").replace("fc7", "logit"): array for name, array in arrays.items()}
    write_params(tmp_path / "net-0003.params", arrays, overwrite=True)
    assert main([model, "--image-size", "8,6"]) == 1
    text = capsys.readouterr().out
    assert "problem: box_output is taken for the embedding, though not called fc1_output" in text
    assert "no problems" not in text
    assert main([model, "--image-size", "8,6", "--output-layer", "box"]) == 0


def test_its_onnx_file_says_the_same(model, tmp_path):
    path = str(tmp_path / "net.onnx")
    to_onnx(["--model", model, "--output", path, "--image-size", "8,6", "--batch", "16"])
    before, after = describe(find_model(model), size=(8, 6)), describe(find_model(path))
    for key in ("output", "embedding_size", "parameters", "multiply_adds", "operators", "layers", "image"):
        assert after[key] == before[key]
    assert after["format"] == "ONNX IR 8, opset ai.onnx 13"
    assert after["input"] == {"name": "data", "shape": [16, 3, 8, 6]}
    assert (after["problems"], after["notes"]) == ([], [])


def test_text_and_json(model, capsys):
    assert main([model, "--image-size", "8,6", "--layers"]) == 0
    text = capsys.readouterr().out
    assert f"multiply-adds     {CONV_ADDS + FC_ADDS} for an image of 3x8x6" in text
    assert "embedding         fc1_output, 5 numbers" in text
    assert "1x4x4x3" in text
    assert "note: not needed" in text
    assert text.endswith("no problems\n")
    assert main([model, "--image-size", "8,6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == describe(find_model(model), size=(8, 6))


def test_a_model_that_cannot_run_is_described_as_far_as_it_goes(model, tmp_path, capsys):
    write_params(tmp_path / "net-0004.params", {"arg:conv0_weight": np.zeros((4, 3, 3, 3), np.float32)})
    assert main([model.replace(",3", ",4"), "--image-size", "8,6"]) == 1
    text = capsys.readouterr().out
    assert "problem: missing: 2 (arg:fc1_weight, arg:fc1_bias)" in text
    assert "problem: cannot be run: " in text
    assert "no problems" not in text


def test_another_image_size_is_a_problem_of_the_model(model):
    (problem,) = describe(find_model(model), size=(16, 16))["problems"]
    assert "parameter 'fc1_weight'" in problem


def test_unknown_figures_are_question_marks(model):
    report = describe(find_model(model), size=(8, 6))
    report["multiply_adds"] = report["embedding_size"] = None
    assert "multiply-adds     ? for" in as_text(report)
    assert "fc1_output, ? numbers" in as_text(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image-size", "9,6"], "input 'data': expected H = 8, as the model declares, found 9"),
        (["--output-layer", "fc2"], "no output 'fc2'; it has: fc1_output"),
    ],
)
def test_an_onnx_file_asked_for_what_it_does_not_have(model, tmp_path, arguments, message, capsys):
    path = str(tmp_path / "net.onnx")
    to_onnx(["--model", model, "--output", path, "--image-size", "8,6"])
    with pytest.raises(SystemExit) as stopped:
        main([path, *arguments])
    assert stopped.value.code == 2
    assert f"{path}: {message}" in capsys.readouterr().err
