"""The tool that writes a checkpoint as ONNX."""

import json

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import find_model
from insightrec.deploy.params_file import write_params
from insightrec.deploy.to_onnx import compare_with_mxnet, main
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


@pytest.mark.mxnet
def test_a_wrong_conversion_is_refused(model, mx):
    images = np.ones((2, 3, 4, 4), np.float32)
    with pytest.raises(ModelError, match="differs from MXNet's by"):
        compare_with_mxnet(find_model(model[0]), None, images, np.zeros((2, 3), np.float32))
