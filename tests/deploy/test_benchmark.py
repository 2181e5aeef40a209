"""The benchmark's cases, rows and table, on a model of one product."""

import csv
import json

import numpy as np
import pytest

from insightrec.deploy import benchmark
from insightrec.deploy.benchmark import (
    Case,
    Settings,
    list_cases,
    main,
    measure,
    prepare_alignment,
    prepare_detection,
    prepare_embedding,
)
from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import find_model
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.params_file import write_params
from insightrec.deploy.to_onnx import main as to_onnx
from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.recordio_tools.image_codec import encode_rgb


@pytest.fixture
def model(tmp_path, tiny_graph):
    weight = np.random.default_rng(1).normal(size=(3, 48)).astype(np.float32)
    graph = json.loads(tiny_graph("FullyConnected", {"num_hidden": 3, "no_bias": True}, ["w"]))
    (tmp_path / "dense-symbol.json").write_text(json.dumps(graph))
    write_params(tmp_path / "dense-0007.params", {"arg:w": weight})
    return f"{tmp_path / 'dense'},7"


@pytest.fixture
def settings(model):
    return Settings(find_model(model), (4, 4), "rgb", -1, runs=4, warm_up=1)


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(benchmark, "in_fresh_process", lambda threads, function, *arguments: function(*arguments))


def test_cases_are_every_combination():
    assert list_cases(["alignment", "embedding"], ["onnxruntime"], [1, 8], [1, 2]) == [
        Case("alignment", "cv2", 1, 1),
        Case("alignment", "cv2", 1, 2),
        Case("embedding", "onnxruntime", 1, 1),
        Case("embedding", "onnxruntime", 1, 2),
        Case("embedding", "onnxruntime", 8, 1),
        Case("embedding", "onnxruntime", 8, 2),
    ]
    assert {case.backend for case in list_cases(["embedding"], ["mxnet", "onnxruntime"], [1], [1])} == {
        "mxnet",
        "onnxruntime",
    }


def test_what_is_timed_is_the_real_work(settings):
    assert prepare_alignment(settings, Case("alignment", "cv2", 1, 1))().shape == (112, 112, 3)
    embeddings = prepare_embedding(settings, Case("embedding", "onnxruntime", 19, 1))()
    assert embeddings.shape == (19, 3)
    assert not np.allclose(embeddings[0], embeddings[1])
    np.testing.assert_allclose(embeddings[16:], embeddings[:3], rtol=1e-5)  # 16 faces, repeated


class Detector:
    """In place of MTCNN: what it was made of, and the photos it saw."""

    def __init__(self, weights, threads):
        self.arguments = (weights, threads)
        self.seen = []

    def detect(self, photo):
        self.seen.append(photo)
        return self


def test_detection_is_of_the_photo_that_is_named(settings, monkeypatch, tmp_path, rng):
    monkeypatch.setattr(benchmark, "MTCNN", Detector)
    path, photo = tmp_path / "photo.png", rng.integers(0, 256, (30, 40, 3), np.uint8)
    path.write_bytes(encode_rgb(photo, ".png"))
    named = settings._replace(mtcnn="weights", photo=str(path))
    detector = prepare_detection(named, Case("detection", "onnxruntime", 1, 2))()
    assert detector.arguments == ("weights", 2)
    np.testing.assert_array_equal(detector.seen, [photo])
    (made_up,) = prepare_detection(settings, Case("detection", "onnxruntime", 1, 1))().seen
    assert made_up.shape == (768, 1024, 3)


def test_a_row_of_detection_says_which_photo(settings, monkeypatch, in_this_process):
    monkeypatch.setattr(benchmark, "MTCNN", Detector)
    cases = list_cases(["detection", "alignment"], ["onnxruntime", "mxnet"], [1, 8], [1])
    assert [row["photo"] for row in benchmark.measure_all(settings, cases)] == ["made up", ""]


def test_without_weights_detection_is_left_out_with_one_reason(model, monkeypatch, in_this_process, capsys):
    def missing():
        raise InputError("not installed")

    monkeypatch.setattr(benchmark, "load_networks", missing)
    arguments = ["--model", model, "--image-size", "4,4", "--runs", "1", "--threads", "1"]
    main([*arguments, "--stages", "detection", "alignment"])
    out, err = capsys.readouterr()
    assert err == "detection: left out: not installed\n"
    assert "alignment" in out
    assert "\ndetection" not in out


def test_damaged_weights_are_an_error(model, monkeypatch, tmp_path, in_this_process, capsys):
    def damaged():
        raise ModelError("weights are damaged")

    monkeypatch.setattr(benchmark, "load_networks", damaged)
    for arguments, message in (([], "weights are damaged"), (["--mtcnn", str(tmp_path)], "det1-symbol.json")):
        with pytest.raises(SystemExit) as stopped:
            main(["--model", model, "--stages", "detection", "--runs", "1", "--threads", "1", *arguments])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


def test_a_row_is_of_the_whole_batch(settings):
    row = measure(settings, Case("embedding", "onnxruntime", 8, 1))
    assert row["images_per_s"] == pytest.approx(8000 / row["median_ms"])
    assert 0 < row["median_ms"] <= row["p95_ms"]
    assert row["runs"] == 4


def test_the_table_is_printed_and_written(model, tmp_path, capsys):
    path = tmp_path / "table.csv"
    arguments = ["--model", model, "--image-size", "4,4", "--runs", "2", "--backends", "onnxruntime", "--threads", "1"]
    main([*arguments, "--stages", "embedding", "--batch-sizes", "3,3", "--output", str(path)])
    (row,) = csv.DictReader(path.open())
    assert (row["model"], row["stage"], row["batch"], row["threads"], row["device"]) == (
        "dense-0007",
        "embedding",
        "3",
        "1",
        "cpu",
    )
    assert all(row[key] for key in ("processor", "cores", "python", "numpy", "opencv", "backend_version", "date"))
    assert "embedding  onnxruntime       3        1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, "--output", str(path)])
    assert "--overwrite" in capsys.readouterr().err


def test_without_mxnet_its_rows_are_left_out_with_one_reason(model, monkeypatch, capsys):
    def run(threads, function, settings, case):
        if case.backend == "mxnet":
            raise MXNetMissing("not installed")
        return measure(settings, case)

    monkeypatch.setattr(benchmark, "in_fresh_process", run)
    arguments = ["--model", model, "--image-size", "4,4", "--runs", "1", "--threads", "1", "--stages", "embedding"]
    main([*arguments, "--batch-sizes", "1,2"])
    out, err = capsys.readouterr()
    assert out.count("onnxruntime") == 2
    assert err == "mxnet: left out: not installed\n"
    with pytest.raises(SystemExit):
        main([*arguments, "--backends", "mxnet"])
    assert "nothing could be measured" in capsys.readouterr().err


def test_an_onnx_file_is_not_run_in_mxnet(model, tmp_path, in_this_process, capsys):
    path = str(tmp_path / "dense.onnx")
    to_onnx(["--model", model, "--output", path, "--image-size", "4,4"])
    main(["--model", path, "--runs", "1", "--threads", "1", "--stages", "embedding", "--batch-sizes", "2"])
    out, err = capsys.readouterr()
    assert "mxnet: left out, it runs no ONNX files" in err
    assert "onnxruntime" in out
    assert Embedder(path).image_size == (4, 4)


@pytest.mark.parametrize("text", ["", "0", "1,x", "1;2"])
def test_malformed_lists_of_numbers(model, text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", model, "--batch-sizes", text])
    assert stopped.value.code == 2
    assert "expected a whole number, 1 or more" in capsys.readouterr().err


@pytest.mark.mxnet
def test_mxnet_is_timed_beside(settings, mx):
    row = measure(settings, Case("embedding", "mxnet", 2, 1))
    assert row["backend_version"] == mx.__version__
