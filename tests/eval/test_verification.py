"""The tool from its command line, with small packs and small ONNX models made here."""

import csv
import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.verification import main
from insightrec.eval.verification_report import report_lines
from insightrec.eval.verification_result import verify
from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb
from insightrec.recordio_tools.property_file import SetProperty
from insightrec.recordio_tools.verification_pack import write_pack

SIZE = (12, 10)  # as in conftest.py


class LinearModel:
    """A projection of the pixels, as ONNX and, for the expected figures, in NumPy."""

    def __init__(self, path, seed, declared=SIZE):
        self.path, self.image_size = path, SIZE
        # small whole numbers: float32 sums are exact, whatever their order
        self.weight = np.random.default_rng(seed).integers(-5, 6, (3 * SIZE[0] * SIZE[1], 16)).astype(np.float32)
        graph = helper.make_graph(
            [helper.make_node("Flatten", ["data"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["fc1"])],
            "linear",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, *declared])],
            [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["n", 16])],
            [numpy_helper.from_array(self.weight, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, str(path))

    def embed(self, images):
        return images.transpose(0, 3, 1, 2).reshape(len(images), -1).astype(np.float32) @ self.weight


@pytest.fixture
def folder(tmp_path, make_pack):
    for name, pairs in (("lfw", 40), ("agedb_30", 24)):
        pack = make_pack(pairs, seed=pairs)
        write_pack(tmp_path / f"{name}.bin", pack.images, pack.is_same)
    one_kind = make_pack(10, one_kind=True)
    write_pack(tmp_path / "small.bin", one_kind.images, one_kind.is_same)
    return tmp_path


@pytest.fixture
def models(tmp_path):
    return [LinearModel(tmp_path / f"{name}.onnx", seed) for seed, name in enumerate(("first", "second"))]


def expected(folder, target, model, make_pack, **options):
    pack = make_pack({"lfw": 40, "agedb_30": 24}[target], seed={"lfw": 40, "agedb_30": 24}[target])
    return verify(embed_pack(model, pack, target), **options)


def run(folder, *flags):
    main(["--data-dir", str(folder), *map(str, flags)])


def test_lines_of_every_target_and_model_in_upstreams_order(folder, models, make_pack, capsys):
    run(folder, "--model", *(model.path for model in models), "--target", "lfw,agedb_30")
    lines = capsys.readouterr().out.splitlines()
    wanted = []
    for target in ("lfw", "agedb_30"):
        results = [expected(folder, target, model, make_pack) for model in models]
        for model, result in zip(models, results):
            name = f"{folder.name}/{model.path.stem}"
            wanted += [f"[{target}]Model: {name} ({model.path})", *report_lines(target, result)]
        wanted.append(f"Max of [{target}] is {max(result.flip.accuracy.mean for result in results):.5f}")
    assert lines == wanted
    assert re.fullmatch(r"\[lfw\]Accuracy-Flip: 0\.\d{5}\+-0\.\d{5}", lines[3])


def test_report_files(folder, models, make_pack, tmp_path):
    output = tmp_path / "results"
    flags = ("--model", models[0].path, "--target", "lfw,small", "--output", output, "--nfolds", 5, "--pca", 4)
    run(folder, *flags)
    assert sorted(path.name for path in output.iterdir()) == ["results.csv", "results.json", "roc.png"]
    first, second = json.loads((output / "results.json").read_text())["results"]
    result = expected(folder, "lfw", models[0], make_pack, nfolds=5, pca=4)
    assert first["flip"]["accuracy"]["mean"] == result.flip.accuracy.mean
    assert first["pack_sha256"] == sha256(folder / "lfw.bin")
    assert (first["model_origin"], first["model_sha256"]) == (str(models[0].path), sha256(models[0].path))
    assert second["flip"]["validation"]["mean"] is None
    with open(output / "results.csv", newline="") as file:
        assert [row["target"] for row in csv.DictReader(file)] == ["lfw", "small"]
    with pytest.raises(SystemExit):
        run(folder, *flags)
    run(folder, *flags, "--overwrite")


def test_bad_cases_are_written_for_every_target(folder, models, make_pack, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(folder, "--model", models[0].path, "--target", "lfw,agedb_30", "--mode", "1")
    result = expected(folder, "lfw", models[0], make_pack)
    (counts,) = re.findall(
        r"\[lfw\].*: (\d+) false accepts and (\d+) false rejects of 40 pairs", capsys.readouterr().out
    )
    assert sum(map(int, counts)) == result.pairs - result.flip.accuracy.correct > 0
    pages = sorted((tmp_path / "badcases").iterdir())
    assert {page.name.split("__")[0] for page in pages} == {"lfw", "agedb_30"}
    assert {page.stem.split("__")[-1] for page in pages} == {"false_accepts-001", "false_rejects-001"}
    assert decode_rgb(pages[0].read_bytes(), pages[0]).shape[1] > 4 * 2 * SIZE[1]
    with pytest.raises(SystemExit):
        run(folder, "--model", models[0].path, "--target", "lfw", "--mode", "1")
    assert "exists already" in capsys.readouterr().err
    run(folder, "--model", models[0].path, "--target", "lfw", "--mode", "1", "--overwrite")


def test_embeddings_are_saved_without_a_pickle(folder, models, make_pack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(folder, "--model", models[0].path, "--target", "lfw", "--mode", "2")
    (path,) = tmp_path.glob("lfw__*.npz")
    with np.load(path, allow_pickle=False) as saved:
        pack = make_pack(40, seed=40)
        unit = embed_pack(models[0], pack, "lfw").unit(flip=True)
        np.testing.assert_array_equal(saved["embeddings"], unit.astype(np.float32))
        assert saved["embeddings"].dtype == np.float32
        np.testing.assert_array_equal(saved["issame"], pack.is_same)


def test_eigenfaces_say_what_they_are_fitted_to(folder, capsys):
    run(folder, "--model", "eigenfaces", "--target", "lfw")
    output = capsys.readouterr().out
    assert "[lfw]Model: eigenfaces (fitted to 60 of 60 images of " in output
    assert "lfw.bin itself; there is no " in output
    assert "[lfw]Accuracy-Flip: " in output


def test_image_size_comes_from_the_flag_or_from_property(folder, models, capsys):
    (folder / "property").write_text(str(SetProperty(10, 99, 99)))
    run(folder, "--model", models[0].path, "--target", "lfw")  # declares its own
    assert "Accuracy-Flip" in capsys.readouterr().out
    flags = ("--model", LinearModel(folder / "any.onnx", 0, ("h", "w")).path, "--target", "lfw")
    with pytest.raises(SystemExit) as stop:
        run(folder, *flags)
    assert stop.value.code == 2
    assert "(1, 3, 99, 99)" in capsys.readouterr().err
    run(folder, *flags, "--image-size", "12,10")
    (folder / "property").write_text(str(SetProperty(10, *SIZE)))
    run(folder, *flags)
    assert capsys.readouterr().out.count("Accuracy-Flip") == 4  # and two intervals


def test_upstreams_gpu_flag_works_on_the_cpu_with_one_line(folder, models, capsys):
    run(folder, "--model", models[0].path, "--target", "lfw", "--gpu", "0")
    output = capsys.readouterr()
    assert "[lfw]Accuracy-Flip" in output.out
    assert len([line for line in output.err.splitlines() if "CPU" in line]) <= 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--target", "cfp_fp"], "found agedb_30.bin, lfw.bin, small.bin"),
        (["--target", "lfw", "--nfolds", "41"], "expected 1 to 40 folds"),
        (["--target", "lfw", "--output", "/dev/null"], "/dev/null: expected a folder to write to"),
        (["--target", "lfw", "--pca", "17"], "expected 1 to 16 PCA components"),
    ],
)
def test_bad_input_is_one_line_and_status_2(folder, models, flags, message, capsys):
    with pytest.raises(SystemExit) as stop:
        run(folder, "--model", models[0].path, *flags)
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert message in lines[-1]
    assert lines[-1].startswith("verification: error: ")


@pytest.mark.parametrize(
    ("flag", "number"), [("--nfolds", 0), ("--pca", -1), ("--mode", -1), ("--batch-size", 0), ("--threads", 0)]
)
def test_numbers_out_of_range(folder, models, flag, number, capsys):
    with pytest.raises(SystemExit) as stop:
        run(folder, "--model", models[0].path, flag, number)
    assert stop.value.code == 2
    assert f"argument {flag}: expected a whole number, {number + 1} or more" in capsys.readouterr().err


def test_embeddings_need_no_folds(folder, models, make_pack, tmp_path):
    pack = make_pack(5)
    write_pack(folder / "five.bin", pack.images, pack.is_same)
    run(folder, "--model", models[0].path, "--target", "five", "--mode", 2, "--output", tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_an_earlier_runs_curves_do_not_stay(folder, models, tmp_path):
    flags = ("--model", models[0].path, "--output", tmp_path / "out", "--overwrite", "--target")
    run(folder, *flags, "lfw")
    assert (tmp_path / "out" / "roc.png").exists()
    run(folder, *flags, "small")  # of one kind of pairs: it has no curve
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["results.csv", "results.json"]


def test_damaged_pack_is_found_before_any_model_runs(folder, models, capsys):
    (folder / "agedb_30.bin").write_bytes(b"\x80\x02damaged")
    with pytest.raises(SystemExit):
        run(folder, "--model", models[0].path, "--target", "lfw,agedb_30")
    output = capsys.readouterr()
    assert output.out == ""
    assert "agedb_30.bin" in output.err


def test_crops_for_another_input_are_refused_with_both_sizes(folder, models, capsys):
    square = encode_rgb(np.zeros((112, 112, 3), np.uint8))
    write_pack(folder / "square.bin", [square, square], [True])
    with pytest.raises(SystemExit):
        run(folder, "--model", models[0].path, "--target", "square", "--nfolds", 1)
    assert "12x10" in capsys.readouterr().err
