"""The tool that writes a checkpoint as ONNX."""

import json
import re

import numpy as np
import onnx
import pytest

from insightrec.deploy.drawn_faces import drawn_faces
from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.params_file import write_params
from insightrec.deploy.to_onnx import compare_with_float, compare_with_mxnet, face_batches, main
from insightrec.recordio_tools.errors import ModelError

DENSE = {
    "nodes": [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "null", "name": "fc1_weight", "inputs": []},
        {"op": "FullyConnected", "name": "fc1", "inputs": [[0, 0, 0], [1, 0, 0]],
         "attrs": {"num_hidden": "3", "no_bias": "True"}},
    ],
    "arg_nodes": [0, 1],
    "heads": [[2, 0, 0]],
}  # fmt: skip


@pytest.fixture
def model(tmp_path):
    """``prefix,epoch`` of a model that is one product of the pixels of 4x4 images with a matrix (3, 48)."""
    weight = np.random.default_rng(1).normal(size=(3, 48)).astype(np.float32)
    (tmp_path / "dense-symbol.json").write_text(json.dumps(DENSE))
    write_params(tmp_path / "dense-0007.params", {"arg:fc1_weight": weight})
    return f"{tmp_path / 'dense'},7", weight


def test_the_file_gives_the_models_embeddings(model, tmp_path, capsys):
    name, weight = model
    main(["--model", name, "--output", str(tmp_path / "dense.onnx"), "--image-size", "4,4"])
    images = np.random.default_rng(2).integers(0, 256, (5, 4, 4, 3), np.uint8)
    expected = images.transpose(0, 3, 1, 2).reshape(5, -1) @ weight.T
    np.testing.assert_allclose(Embedder(str(tmp_path / "dense.onnx")).embed(images), expected, rtol=1e-5, atol=1e-3)
    assert "fc1_output, 3 numbers" in capsys.readouterr().out


def test_an_existing_file_is_kept(model, tmp_path, capsys):
    (tmp_path / "dense.onnx").write_bytes(b"mine")
    with pytest.raises(SystemExit) as stopped:
        main(["--model", model[0], "--output", str(tmp_path / "dense.onnx"), "--image-size", "4,4"])
    assert stopped.value.code == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "dense.onnx").read_bytes() == b"mine"


def test_batch_and_opset(model, tmp_path):
    name, weight = model
    path = str(tmp_path / "dense.onnx")
    main(["--model", name, "--output", path, "--image-size", "4,4", "--batch", "3", "--opset", "17"])
    written = onnx.load(path)
    assert [item.version for item in written.opset_import] == [17]
    assert [size.dim_value for size in written.graph.input[0].type.tensor_type.shape.dim] == [3, 3, 4, 4]
    images = drawn_faces(4, (4, 4))  # one more than the batch
    expected = images.transpose(0, 3, 1, 2).reshape(4, -1) @ weight.T
    np.testing.assert_allclose(Embedder(path).embed(images), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("flag", [["--opset", "18"], ["--opset", "12"], ["--batch", "0"], ["--batch", "many"]])
def test_what_is_not_on_offer(model, tmp_path, flag, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", model[0], "--output", str(tmp_path / "x.onnx"), *flag])
    assert stopped.value.code == 2
    assert "expected a whole number" in capsys.readouterr().err


def test_int8_states_its_loss(model, tmp_path, capsys):
    name, weight = model
    path = str(tmp_path / "dense.onnx")
    main(["--model", name, "--output", path, "--image-size", "4,4", "--int8"])
    images = drawn_faces(16, (4, 4))
    expected = images.transpose(0, 3, 1, 2).reshape(16, -1) @ weight.T
    found = Embedder(path, batch_size=1).embed(images)
    assert not np.allclose(found, expected, rtol=1e-5)
    sentence = compare_with_float(found, expected)
    assert sentence in capsys.readouterr().out
    smallest = min(
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(found.astype(np.float64), expected)
    )
    assert f"min {smallest:.5f}" in sentence
    assert smallest > 0.99


@pytest.mark.parametrize(
    ("flag", "wrong", "message"),
    [
        *(("--mean", text, "expected a number, 0 to 255") for text in ("nan", "inf", "1e30", "1e300", "-1", "x")),
        *(("--scale", text, "expected a number, 1e-06 to 1e+06") for text in ("inf", "nan", "0", "-1", "1e39", "1e-7")),
    ],
)
def test_input_scaling_out_of_range(model, tmp_path, flag, wrong, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", model[0], "--output", str(tmp_path / "x.onnx"), "--image-size", "4,4", f"{flag}={wrong}"])
    assert stopped.value.code == 2
    assert f"argument {flag}: {message}, found {wrong!r}" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()


def refused(capsys, *argv):
    """What the tool says, on one line, when it stops with status 2."""
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize("flags", [[], ["--int8"]])
@pytest.mark.parametrize("weight", [np.nan, np.inf, 0])
def test_a_model_without_embeddings_is_not_written(model, tmp_path, weight, flags, capsys):
    weights = {"arg:fc1_weight": np.full((3, 48), weight, np.float32)}
    write_params(tmp_path / "dense-0007.params", weights, overwrite=True)
    path = tmp_path / "x.onnx"
    err = refused(capsys, "--model", model[0], "--output", str(path), "--image-size", "4,4", *flags)
    assert f"{model[0]}: expected embeddings of finite numbers, not all zero, on drawn faces, found others; " in err
    assert "report" not in err
    assert not path.exists()


def test_the_cosine_of_large_embeddings():
    large = np.random.default_rng(3).normal(size=(4, 5)) * 1e30
    assert "mean 1.00000, min 1.00000" in compare_with_float(large, large)


@pytest.mark.parametrize("name", ["noext", "net.onnx.bin", "net.onnx/"])
def test_an_output_that_no_tool_takes_for_onnx(model, tmp_path, name, capsys):
    before = sorted(tmp_path.iterdir())
    err = refused(capsys, "--model", model[0], "--output", f"{tmp_path}/{name}", "--image-size", "4,4")
    assert f"--output {tmp_path}/{name}: expected a name that ends in .onnx" in err
    assert sorted(tmp_path.iterdir()) == before


def test_face_batches():
    batches = face_batches((4, 6), 7, color="gray", mean=100.0, scale=0.5)
    assert [batch.shape for batch in batches] == [(7, 1, 4, 6)] * 3
    everything = np.concatenate(face_batches((4, 6), 21, color="rgb"))
    np.testing.assert_array_equal(everything, drawn_faces(21, (4, 6)).transpose(0, 3, 1, 2))


def test_without_mxnet_it_says_that_nothing_was_compared(model, tmp_path, capsys, monkeypatch):
    def missing(*_, **__):
        raise MXNetMissing("MXNet cannot be imported")

    monkeypatch.setattr("insightrec.deploy.to_onnx.MXNetNetwork", missing)
    main(["--model", model[0], "--output", str(tmp_path / "dense.onnx"), "--image-size", "4,4"])
    assert "its numbers were not compared: MXNet cannot be imported" in capsys.readouterr().out


class Stub:
    """In place of MXNet: the product with a weight, as the model has it or changed."""

    def __init__(self, weight):
        self.weight = weight

    def __call__(self, files, output):
        assert (files.params.name, output) == ("dense-0007.params", None)
        return lambda batch: batch.reshape(len(batch), -1) @ self.weight.T


@pytest.mark.parametrize("change", [1, 1 + 5e-5])
def test_what_agrees_with_mxnet_is_written(model, tmp_path, capsys, monkeypatch, change):
    name, weight = model
    monkeypatch.setattr("insightrec.deploy.to_onnx.MXNetNetwork", Stub(weight * np.float32(change)))
    main(["--model", name, "--output", str(tmp_path / "dense.onnx"), "--image-size", "4,4"])
    found = re.search(r"differs from MXNet by (\S+) of the largest number, on 16 drawn faces", capsys.readouterr().out)
    assert float(found[1]) == pytest.approx(change - 1, abs=2e-6)
    assert (tmp_path / "dense.onnx").exists()


def test_what_differs_from_mxnet_is_refused(model, tmp_path, capsys, monkeypatch):
    name, weight = model
    monkeypatch.setattr("insightrec.deploy.to_onnx.MXNetNetwork", Stub(weight * np.float32(1 + 2e-4)))
    err = refused(capsys, "--model", name, "--output", str(tmp_path / "dense.onnx"), "--image-size", "4,4")
    assert "dense-0007.params: the converted model differs from MXNet's by 2.0e-04 of the largest number" in err
    assert not (tmp_path / "dense.onnx").exists()


@pytest.mark.mxnet
def test_a_wrong_conversion_is_refused(model, mx):
    batches = face_batches((4, 4), 4)
    with pytest.raises(ModelError, match="differs from MXNet's by"):
        compare_with_mxnet(find_model(model[0]), None, batches, np.zeros((16, 3), np.float32))
