"""The tool: what it leaves out, prints and writes, on a model of one product."""

import csv

import pytest

from insightrec.deploy import benchmark, timed_stages
from insightrec.deploy.benchmark import main
from insightrec.deploy.embedder import Embedder
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.deploy.timed_stages import measure
from insightrec.deploy.to_onnx import main as to_onnx
from insightrec.recordio_tools.errors import InputError, ModelError


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(timed_stages, "in_fresh_process", lambda threads, function, *arguments: function(*arguments))


def test_without_weights_detection_is_left_out_with_one_reason(dense_model, monkeypatch, in_this_process, capsys):
    def missing():
        raise InputError("not installed")

    monkeypatch.setattr(benchmark, "load_networks", missing)
    arguments = ["--model", dense_model, "--image-size", "4,4", "--runs", "1", "--threads", "1"]
    main([*arguments, "--stages", "detection", "alignment"])
    out, err = capsys.readouterr()
    assert err == "detection: left out: not installed\n"
    assert "alignment" in out
    assert "\ndetection" not in out


def test_damaged_weights_are_an_error(dense_model, monkeypatch, tmp_path, in_this_process, capsys):
    def damaged():
        raise ModelError("weights are damaged")

    monkeypatch.setattr(benchmark, "load_networks", damaged)
    for arguments, message in (([], "weights are damaged"), (["--mtcnn", str(tmp_path)], "det1-symbol.json")):
        with pytest.raises(SystemExit) as stopped:
            main(["--model", dense_model, "--stages", "detection", "--runs", "1", "--threads", "1", *arguments])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


def test_the_table_is_printed_and_written(dense_model, tmp_path, capsys):
    path = tmp_path / "table.csv"
    arguments = [
        "--model",
        dense_model,
        "--image-size",
        "4,4",
        "--runs",
        "2",
        "--backends",
        "onnxruntime",
        "--threads",
        "1",
    ]
    main([*arguments, "--stages", "embedding", "--batch-sizes", "3,3", "--output", str(path)])
    (row,) = csv.DictReader(path.open())
    assert (row["model"], row["stage"], row["batch"], row["threads"], row["device"]) == (
        "dense-0007",
        "embedding",
        "3",
        "1",
        "cpu",
    )
    assert all(
        row[key] for key in ("processor", "cores", "python", "numpy", "opencv", "backend_version", "date", "commit")
    )
    assert "embedding  onnxruntime       3        1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, "--output", str(path)])
    assert "--overwrite" in capsys.readouterr().err


def test_without_mxnet_its_rows_are_left_out_with_one_reason(dense_model, monkeypatch, capsys):
    def run(threads, function, settings, case):
        if case.backend == "mxnet":
            raise MXNetMissing("not installed")
        return measure(settings, case)

    monkeypatch.setattr(timed_stages, "in_fresh_process", run)
    arguments = [
        "--model",
        dense_model,
        "--image-size",
        "4,4",
        "--runs",
        "1",
        "--threads",
        "1",
        "--stages",
        "embedding",
    ]
    main([*arguments, "--batch-sizes", "1,2"])
    out, err = capsys.readouterr()
    assert out.count("onnxruntime") == 2
    assert err == "mxnet: left out: not installed\n"
    with pytest.raises(SystemExit):
        main([*arguments, "--backends", "mxnet"])
    assert "nothing could be measured" in capsys.readouterr().err


def test_an_onnx_file_is_not_run_in_mxnet(dense_model, tmp_path, in_this_process, capsys):
    path = str(tmp_path / "dense.onnx")
    to_onnx(["--model", dense_model, "--output", path, "--image-size", "4,4"])
    main(["--model", path, "--runs", "1", "--threads", "1", "--stages", "embedding", "--batch-sizes", "2"])
    out, err = capsys.readouterr()
    assert "mxnet: left out, it runs no ONNX files" in err
    assert "onnxruntime" in out
    assert Embedder(path).image_size == (4, 4)


@pytest.mark.parametrize("text", ["", "0", "1,x", "1;2"])
def test_malformed_lists_of_numbers(dense_model, text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", dense_model, "--batch-sizes", text])
    assert stopped.value.code == 2
    assert "expected a whole number, 1 or more" in capsys.readouterr().err
