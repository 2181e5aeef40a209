import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from insightrec.deploy.embedder import Embedder
from insightrec.megaface import remove_noises
from insightrec.megaface.feature_file import read_feature
from insightrec.megaface.feature_source import open_source
from insightrec.megaface.gen_megaface import main, parse
from insightrec.megaface.template_list import read_template_list

SIZE = (8, 6)
DIMENSION = 40


def write_model(path, seed=0, size=SIZE, dimension=DIMENSION, bias=1.0):
    """An ONNX model: a fully connected layer on all pixels."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((3 * size[0] * size[1], dimension)).astype(np.float32)
    bias = (bias * rng.standard_normal(dimension)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["data"], ["pixels"]),
        helper.make_node("Gemm", ["pixels", "weight", "bias"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("data", onnx.TensorProto.FLOAT, ["N", 3, *size])],
        [helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["N", dimension])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)
    onnx.save(model, str(path))


def write_images(folder, paths, seed):
    rng = np.random.default_rng(seed)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / path), rng.integers(0, 256, (*SIZE, 3), np.uint8))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the data where the tool looks by default, and a model."""
    monkeypatch.chdir(tmp_path)
    probes = [f"Adam_B/Adam_B_{number}.png" for number in range(11)] + ["Robert_D_Jr./Robert_D_Jr._3.png"]
    distractors = [f"876/8766@N0{number % 3}/{number}_0.jpg" for number in range(29)]
    for name, paths in (("facescrub", probes), ("megaface", distractors)):
        write_images(tmp_path / "data" / f"{name}_images", paths, len(name))
    (tmp_path / "data" / "facescrub_lst").write_text("".join(f"1\t{path}\t0\n" for path in probes))
    (tmp_path / "data" / "megaface_lst").write_text("\n".join(distractors))
    write_model(tmp_path / "model.onnx")
    return tmp_path


def run(*arguments, model="model.onnx"):
    main(["--model", model, "--gpu", "-1", "--threads", "1", *arguments])


def fails(capsys, *arguments, **options):
    """The error line of a run that ends with status 2."""
    with pytest.raises(SystemExit) as stopped:
        run(*arguments, **options)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("gen_megaface: error: ")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def listed(name):
    return [line.split("\t")[-2 if "\t" in line else 0] for line in Path(f"data/{name}_lst").read_text().splitlines()]


def reference(file, models=("model.onnx",)):
    """The feature of one image by the formula."""
    image = cv2.imread(str(file))[None, ..., ::-1]
    parts = []
    for model in models:
        embedder = Embedder(model, threads=1)
        embedding = embedder.embed(image)[0].astype(np.float64) + embedder.embed(image[:, :, ::-1])[0]
        parts.append(embedding / np.linalg.norm(embedding))
    return np.concatenate(parts) / np.sqrt(len(parts))


def test_feature_files_where_run_experiment_looks(place, capsys):
    run()
    for name in ("facescrub", "megaface"):
        for path in listed(name):
            data = (place / "feature_out" / name / f"{path}_insightface.bin").read_bytes()
            assert data[:16] == struct.pack("<4i", DIMENSION, 1, 4, 5)
            found = np.array(struct.unpack(f"<{DIMENSION}f", data[16:]))
            np.testing.assert_allclose(found, reference(place / "data" / f"{name}_images" / path), atol=2e-7)
    assert len(contents(place / "feature_out")) == 12 + 29 + 2  # and an origin each
    assert capsys.readouterr().out.splitlines() == [
        "facescrub: 12 features of 40 numbers: feature_out/facescrub, files *_insightface.bin",
        "megaface: 29 features of 40 numbers: feature_out/megaface, files *_insightface.bin",
    ]


def test_the_store_has_the_same_numbers(place):
    run()
    run("--layout", "store", "--output", "packed")
    for name in ("facescrub", "megaface"):
        matrix = np.load(f"packed/{name}.npy")
        assert json.loads(Path(f"packed/{name}.json").read_text())["path"] == listed(name)
        for row, path in zip(matrix, listed(name)):
            assert row.tobytes() == (place / "feature_out" / name / f"{path}_insightface.bin").read_bytes()[16:]
        source = open_source(f"packed/{name}", listed(name))
        np.testing.assert_array_equal(source.read(0, len(source)), matrix)


def test_several_models(place):
    write_model(place / "second.onnx", seed=1, dimension=24)
    run("--nomf", model="model.onnx|second.onnx")
    for path in listed("facescrub"):
        found = read_feature(f"feature_out/facescrub/{path}_insightface.bin")
        wanted = reference(f"data/facescrub_images/{path}", ("model.onnx", "second.onnx"))
        np.testing.assert_allclose(found, wanted, atol=2e-7)


def test_facescrub_only(place):
    Path("data/megaface_lst").unlink()
    run("--nomf", "--algo", "r100")
    assert set(os.listdir("feature_out")) == {"facescrub", "facescrub_r100_origin.json"}
    assert len(list(Path("feature_out").rglob("*.png_r100.bin"))) == 12


def test_upstreams_flags_and_defaults():
    args = parse([])
    assert vars(args) == {
        "model": "../../models/model-r100-ii/model,0",
        "facescrub_lst": "./data/facescrub_lst",
        "megaface_lst": "./data/megaface_lst",
        "facescrub_root": "./data/facescrub_images",
        "megaface_root": "./data/megaface_images",
        "nomf": False,
        "output": "./feature_out",
        "layout": "files",
        "algo": "insightface",
        "image_size": None,
        "batch_size": 8,
        "gpu": None,
        "threads": None,
        "on_error": "raise",
        "resume": False,
        "overwrite": False,
    }
    args = parse(["--batch_size", "4", "--image_size", "3,112,96", "--gpu", "0"])
    assert (args.batch_size, args.image_size, args.gpu) == (4, (112, 96), 0)
    assert parse(["--image-size", "112,96"]).image_size == (112, 96)


@pytest.mark.parametrize("arguments", [["--image-size", "1,112,112"], ["--algo", "a/b"], ["--resume", "--overwrite"]])
def test_arguments_that_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        parse(arguments)
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["files", "store"])
def test_what_is_there_is_kept_replaced_or_an_error(place, capsys, layout):
    run("--nomf", "--layout", layout)
    first = contents(place / "feature_out")
    assert "exists already; give --resume to keep what is there, or --overwrite" in fails(capsys, "--layout", layout)
    write_model(place / "second.onnx", seed=1)
    message = fails(capsys, "--layout", layout, "--resume", model="second.onnx")
    assert "_origin.json: expected the models, --image-size and --batch-size of this run, found others" in message
    assert "found others" in fails(capsys, "--layout", layout, "--resume", "--batch-size", "4")
    assert contents(place / "feature_out").items() >= first.items()
    run("--layout", layout, "--resume")
    assert "facescrub: 12 features of 40 numbers (12 there before): " in capsys.readouterr().out
    assert contents(place / "feature_out").items() >= first.items()
    run("--layout", layout, "--overwrite", model="second.onnx")
    last = contents(place / "feature_out")
    assert all(last[path] != data for path, data in first.items() if not path.endswith("b.json"))


def test_features_are_computed_anew_in_their_batch(place):
    run()
    first = contents(place / "feature_out")
    for path in [*listed("megaface")[::5], listed("megaface")[-1]]:
        os.unlink(f"feature_out/megaface/{path}_insightface.bin")
    Path(f"feature_out/facescrub/{listed('facescrub')[2]}_insightface.bin").write_bytes(b"cut short")
    run("--resume")
    assert contents(place / "feature_out") == first


@pytest.mark.parametrize("layout", ["files", "store"])
def test_images_that_cannot_be_read(place, capsys, layout):
    """Nothing is lost: the others are done, the bad ones listed, and once repaired they are all that is computed."""
    run("--layout", layout, "--output", "whole")
    bad, missing = listed("megaface")[3], listed("facescrub")[0]
    data = Path("data/megaface_images", bad).read_bytes()
    Path("data/megaface_images", bad).write_bytes(data[:100])
    os.rename(f"data/facescrub_images/{missing}", "kept.png")
    capsys.readouterr()
    message = fails(capsys, "--layout", layout)
    assert message.startswith("feature_out/facescrub_unreadable.txt: 1 of 12 images cannot be read, the others are")
    assert "; feature_out/megaface_unreadable.txt: 1 of 29 images cannot be read" in message
    reason, path = Path("feature_out/megaface_unreadable.txt").read_text().splitlines()[1].split("\t")
    assert path == bad
    assert reason.startswith(f"./data/megaface_images/{bad}: image is cut short after 100 bytes")
    if layout == "files":
        whole, found = contents(place / "whole"), contents(place / "feature_out")
        lost = {f"megaface/{bad}_insightface.bin", f"facescrub/{missing}_insightface.bin"}
        assert {name for name in whole if found.get(name) != whole[name]} == lost
    else:
        assert not Path("feature_out/facescrub.json").exists()

    os.rename("kept.png", f"data/facescrub_images/{missing}")
    Path("data/megaface_images", bad).write_bytes(data)
    run("--layout", layout, "--resume")
    assert "facescrub: 12 features of 40 numbers (11 there before): " in capsys.readouterr().out
    assert not list(Path("feature_out").glob("*_unreadable.txt"))
    if layout == "files":
        assert contents(place / "feature_out") == whole
    else:
        for name in ("facescrub", "megaface"):
            sources = [open_source(f"{folder}/{name}", listed(name)) for folder in ("whole", "feature_out")]
            np.testing.assert_array_equal(*(source.read(0, len(source)) for source in sources))


@pytest.mark.parametrize("layout", ["files", "store"])
def test_images_that_cannot_be_read_may_be_skipped(place, capsys, layout):
    os.unlink(f"data/megaface_images/{listed('megaface')[3]}")
    fails(capsys, "--layout", layout)
    run("--layout", layout, "--resume", "--on-error", "skip")
    _, line, unreadable = capsys.readouterr().out.splitlines()
    assert line.startswith("megaface: 28 features of 40 numbers (28 there before): feature_out/megaface")
    assert unreadable.startswith("  feature_out/megaface_unreadable.txt: 1 of 29 images cannot be read; for lists")
    kept = [path for path in listed("megaface") if path != listed("megaface")[3]]
    assert len(open_source("feature_out/megaface", kept, "_insightface.bin").read(0, 28)) == 28


@pytest.mark.parametrize("layout", ["files", "store"])
def test_images_that_were_skipped_are_added_once_they_can_be_read(place, capsys, layout):
    run("--layout", layout, "--output", "whole")
    path = f"data/megaface_images/{listed('megaface')[3]}"
    os.rename(path, "kept.jpg")
    run("--layout", layout, "--on-error", "skip")
    os.rename("kept.jpg", path)
    run("--layout", layout, "--resume")
    assert "megaface: 29 features of 40 numbers (28 there before): " in capsys.readouterr().out
    sources = [
        open_source(f"{root}/megaface", listed("megaface"), "_insightface.bin") for root in ("whole", "feature_out")
    ]
    np.testing.assert_array_equal(*(source.read(0, 29) for source in sources))


@pytest.mark.parametrize("layout", ["files", "store"])
def test_the_report_is_a_noise_list_that_makes_lists_without_what_cannot_be_read(place, capsys, layout):
    bad = {"facescrub": listed("facescrub")[2], "megaface": listed("megaface")[5]}
    for name, path in bad.items():
        os.unlink(f"data/{name}_images/{path}")
    message = fails(capsys, "--layout", layout)
    assert ("--resume --on-error skip, then" in message) == (layout == "store")
    assert "remove_noises.py --policy drop --megaface-lst LIST --megaface-noises feature_out/megaface_unread" in message
    if layout == "store":
        run("--layout", layout, "--resume", "--on-error", "skip")
    lists = [(f"--{name}-lst", f"data/{name}_lst") for name in bad]
    noises = [(f"--{name}-noises", f"feature_out/{name}_unreadable.txt") for name in bad]
    remove_noises.main(["--policy", "drop", *sum([*lists, *noises], ()), "--feature-dir-out", "lists"])
    for name, list_name in (
        ("facescrub", "facescrub_features_list.json"),
        ("megaface", "megaface_features_list.json_28_1"),
    ):
        paths = read_template_list(f"lists/{list_name}").paths
        assert paths == [path for path in listed(name) if path != bad[name]]
        source = open_source(f"feature_out/{name}", paths, "_insightface.bin")
        source.check()
        assert len(source.read(0, len(paths))) == len(paths)


def test_a_root_of_other_images_stops_the_run(place, capsys):
    message = fails(capsys, "--megaface-root", "data")
    assert "expected images of megaface, found none among the first 29 that can be read: data/876/" in message
    assert message.endswith("check --megaface-root and --megaface-lst")


def test_damaged_features_are_computed_anew(place):
    run("--nomf")
    first = contents(place / "feature_out")
    with open(f"feature_out/facescrub/{listed('facescrub')[2]}_insightface.bin", "r+b") as file:
        file.seek(40)
        file.write(np.float32(np.nan).tobytes())
    run("--nomf", "--resume")
    assert contents(place / "feature_out") == first


def test_images_of_other_proportions_are_refused(place, capsys):
    cv2.imwrite(f"data/facescrub_images/{listed('facescrub')[1]}", np.zeros((16, 13, 3), np.uint8))
    fails(capsys, "--nomf")
    line = Path("feature_out/facescrub_unreadable.txt").read_text()
    assert "expected an image of 8x6 (height x width) or a multiple of it, found 16x13" in line


def test_images_of_the_same_proportions_are_scaled_and_counted(place, capsys):
    path = listed("facescrub")[1]
    large = np.kron(np.random.default_rng(0).integers(0, 256, (8, 6, 3)), np.ones((2, 2, 1))).astype(np.uint8)
    cv2.imwrite(f"data/facescrub_images/{path}", large)
    run("--nomf")
    assert "1 images of other sizes were scaled to the models' 8x6" in capsys.readouterr().out
    found = read_feature(f"feature_out/facescrub/{path}_insightface.bin")
    cv2.imwrite(f"data/facescrub_images/{path}", large[::2, ::2])
    np.testing.assert_allclose(found, reference(f"data/facescrub_images/{path}"), atol=1e-6)


def test_an_image_without_a_feature(place, capsys):
    write_model(place / "unbiased.onnx", bias=0.0)
    black = f"./data/facescrub_images/{listed('facescrub')[9]}"
    cv2.imwrite(black, np.zeros((*SIZE, 3), np.uint8))
    message = fails(capsys, "--nomf", model="unbiased.onnx")
    assert message.startswith(f"{black}: expected an embedding of finite numbers, not all zero")
    assert len(list(Path("feature_out").rglob("*.bin"))) == 8  # the batch before


def test_an_image_that_is_listed_twice(place):
    run("--nomf", "--output", "once")
    run("--nomf", "--output", "once", "--layout", "store")
    with open("data/facescrub_lst", "a") as file:
        file.writelines(f"1\t{path}\t0\n" for path in listed("facescrub")[::3])
    run("--nomf")
    run("--nomf", "--layout", "store")
    assert contents(place / "feature_out") == contents(place / "once")


def test_longer_paths_are_filed_under_their_last_parts(place, capsys):
    run("--output", "short")
    for name in ("facescrub", "megaface"):
        os.rename(f"data/{name}_images", f"data/{name}")
        Path(f"data/{name}_lst").write_text("".join(f"{name}/{path}\n" for path in listed(name)))
    run("--facescrub-root", "data", "--megaface-root", "data")
    assert contents(place / "feature_out") == contents(place / "short")
    Path("data/facescrub_lst").write_text("x/a/1.png\ny/a/1.png\n")
    message = fails(capsys, "--facescrub-root", "data", "--megaface-root", "data")
    assert "expected images that differ in the last 2 parts of their paths, found data/x/a/1.png and data/y/" in message


def test_lists_and_folders_that_are_missing(place, capsys):
    assert fails(capsys, "--facescrub-lst", "none").startswith("none: expected a list, found: No such file")
    assert fails(capsys, "--megaface-root", "none").startswith("none: expected the folder of the images of ./data/mega")
    Path("data/megaface_lst").write_text("../a.png\n")
    assert fails(capsys).startswith("./data/megaface_lst: path 0: expected a path below")
    assert not Path("feature_out").exists()


def test_models_of_different_sizes(place, capsys):
    write_model(place / "other.onnx", size=(6, 8))
    message = fails(capsys, model="model.onnx|other.onnx")
    assert message.startswith("other: expected images of 8x6 (height x width) as model takes, found 6x8")


@pytest.mark.parametrize("layout", ["files", "store"])
def test_killed_and_continued_gives_the_same_bytes(place, layout):
    paths = [f"876/8766@N00/{number}_0.png" for number in range({"files": 1500, "store": 4000}[layout])]
    folder = Path("data/megaface_images")
    (folder / paths[0]).parent.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(paths):
        if number < 250:
            cv2.imwrite(str(folder / path), np.full((*SIZE, 3), number, np.uint8))
        else:
            os.link(folder / paths[number % 250], folder / path)
    Path("data/megaface_lst").write_text("\n".join(paths))
    write_model(place / "model.onnx", dimension=512)
    run("--layout", layout, "--output", "whole")

    command = [sys.executable, "-m", "insightrec.megaface.gen_megaface", "--model", "model.onnx", "--gpu", "-1"]
    command += ["--threads", "1", "--layout", layout]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not has_begun(layout, paths):
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    found, whole = contents(place / "feature_out"), contents(place / "whole")
    assert found != whole
    if layout == "files":  # besides whole ones there may be one temporary file
        assert len([path for path, data in found.items() if whole.get(path) != data]) <= 1
    run("--layout", layout, "--resume")
    assert contents(place / "feature_out") == whole


def has_begun(layout, paths):
    """Whether a run on MegaFace has written some features, far from all."""
    if layout == "files":
        return Path(f"feature_out/megaface/{paths[100]}_insightface.bin").exists()
    part = Path("feature_out/megaface.npy.part")
    return part.exists() and part.stat().st_size > 1 << 20
