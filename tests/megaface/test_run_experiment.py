"""The tool on small made sets: layouts, sizes, bad input, what is there already, and runs that are killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from insightrec.megaface import distractor_count, experiment
from insightrec.megaface.experiment_plot import experiment_plot
from insightrec.megaface.feature_file import read_matrix, write_feature
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.run_experiment import main, parse
from insightrec.megaface.template_list import TemplateList, write_template_list

DIMENSION = 24
SIZES = {10: 10, 100: 100, 700: 900}  # size: how long its list is
ENDING = "_net.bin"
FOLDERS = ["distractors", "probes", ENDING, "out"]


def draw(seed, count):
    """Features with many ties."""
    return np.random.default_rng(seed).integers(-2, 3, (count, DIMENSION)).astype(np.float32) / 4


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with lists, and features as files and packed: 18 people, one of a single image, 900 distractors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment, "experiment_plot", lambda outcome, title: title.encode())  # drawing takes its time
    ids = [f"Person_{chr(97 + number % 17)}" for number in range(119)] + ["Alone"]
    paths = [f"{name}/{name}_{number}.png" for number, name in enumerate(ids)]
    centers = draw(3, 18)
    probes = draw(1, 120) + 0.75 * centers[[sorted(set(ids)).index(name) for name in ids]]
    write_features("probes", probes, paths)
    write_template_list("facescrub_features_list.json", TemplateList(paths, ids))
    write_distractors(draw(2, 900))
    return tmp_path


def write_features(name, rows, paths):
    for path, row in zip(paths, rows):
        write_feature(Path(name, path + ENDING), row)
    write_store(f"packed_{name}", [rows], paths, rows.shape[1], overwrite=True)


def write_distractors(rows):
    paths = [f"{number % 7:03d}/x@N00/{number}_0.jpg" for number in range(len(rows))]
    write_features("distractors", rows, paths)
    for size, length in SIZES.items():
        order = np.random.default_rng(size).permutation(len(paths))[:length]
        write_template_list(
            f"megaface_features_list.json_{size}_1", TemplateList([paths[place] for place in order]), overwrite=True
        )


def arguments(*more, out="out", features=("distractors", "probes")):
    lists = ["-p", "facescrub_features_list.json", "-dlp", "."]
    return [*features, ENDING, out, *lists, *([] if "-s" in more else ["-s", "700", "10"]), *more]


def run(*more, **options):
    main(arguments(*more, **options))


def fails(capsys, *more, **options):
    """The error line of a run that ends with status 2."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run(*more, **options)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("run_experiment: error: ")


def contents(folder, pattern="*"):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).rglob(pattern)) if path.is_file()}


def results(folder, pattern="*_1.*"):
    """The result files of all sizes, without what is in otherFiles."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob(pattern))}


def exact(size=700, out="out"):
    return json.loads(Path(out, f"exact_facescrub_megaface_net_{size}_1.json").read_text())


def test_files_and_printed_lines(place, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "experiment_plot", experiment_plot)
    run("-s", "10", "700")
    names = [f"{kind}_facescrub_megaface_net_{size}_1" for size in (10, 700) for kind in ("cmc", "exact", "matches")]
    plots = [f"curves_facescrub_megaface_net_{size}_1.png" for size in (10, 700)]
    lists = ["facescrub_features_net", "megaface_features_net_10_1", "megaface_features_net_700_1"]
    lists += [f"finished_facescrub_megaface_net_{size}_1.json" for size in (10, 700)]
    assert sorted(contents("out")) == sorted(
        [f"{name}.json" for name in names] + plots + lists + ["results_facescrub_megaface_net.csv"]
    )
    lines = capsys.readouterr().out.splitlines()
    rank_1 = [exact(size)["identification"]["rate"][0] for size in (10, 700)]
    assert lines[:6] == [
        "Loaded 120 probes spanning 18 classes",
        "714 pairs; 1 probes without a mate",
        "facescrub, 10 megaface, set 1",
        f"Rank 1: {rank_1[0]:f}",
        "facescrub, 700 megaface, set 1",
        f"Rank 1: {rank_1[1]:f}",
    ]
    assert lines[7].split()[:3] == ["10", "1", f"{rank_1[0]:.5f}"]
    with open("out/results_facescrub_megaface_net.csv", newline="") as file:
        assert [(row["size"], float(row["rank_1"])) for row in csv.DictReader(file)] == list(zip(("10", "700"), rank_1))


def test_lists_are_rewritten_with_the_paths_of_features(place):
    run("-s", "10")
    (probes, distractors) = (
        json.loads(Path("out/otherFiles", name).read_text())
        for name in ("facescrub_features_net", "megaface_features_net_10_1")
    )
    assert probes["path"][0] == "probes/Person_a/Person_a_0.png_net.bin"
    assert probes["id"][0] == "Person_a"
    assert len(distractors["path"]) == 10
    assert all(Path(path).is_file() for path in probes["path"] + distractors["path"])


def test_figures_agree_with_each_other(place):
    """The devkit's files, the exact file and the score matrices say the same."""
    run("--score-matrices")
    cmc = json.loads(Path("out/cmc_facescrub_megaface_net_700_1.json").read_text())
    matches = json.loads(Path("out/matches_facescrub_megaface_net_700_1.json").read_text())
    found = exact()
    assert (found["distractors"], found["distractor_list"]["images"], found["people"]) == (700, 900, 18)
    assert np.float32(cmc["cmc"][1][0]) == np.float32(found["identification"]["rate"][0])
    ranks = np.concatenate([entry["probes"]["rank"] for entry in matches if entry["probes"]])
    assert [int((ranks < rank).sum()) for rank in (1, 5, 100)] == [
        found["identification"]["found"][rank - 1] for rank in (1, 5, 100)
    ]
    scores = read_matrix("out/otherFiles/facescrub_megaface_net_700_1.bin")
    assert scores.shape == (120, 900)  # the devkit's too has the whole list
    np.testing.assert_array_equal(matches[5]["distractors"]["score"], np.sort(scores[5, :700])[:-6:-1])
    for family, rows in (("first_hundred_probes", 100), ("all_probes", 120)):
        for point in found["verification"][family]:
            assert point["false_accepts"] == int((scores[:rows, :700] > point["threshold"]).sum())
            assert point["negatives"] == rows * 700
    own = read_matrix("out/otherFiles/facescrub_facescrub_net.bin")
    assert own.shape == (120, 120)
    np.testing.assert_array_equal(own, own.T)
    for bracket, point in zip(found["devkit_roc"], found["verification"]["first_hundred_probes"]):
        assert bracket["low"] <= bracket["high"] <= bracket["low"] + 0.01
        assert point["tar"] <= bracket["high"] + 1e-6  # the devkit accepts ties, so its rate can be higher


@pytest.mark.parametrize(
    "more",
    [
        ["--workers", "2", "--block", "64"],
        ["--workers", "3", "--block", "7"],
        ["--block", "5000"],
        ["--mode", "exact", "--distractor_list_path", "./megaface_features_list.json", "--num_sets", "1"],
    ],
)
def test_workers_blocks_and_layouts_change_nothing(place, more):
    run(out="files")
    expected = results("files")
    run(*more, out="again")
    run(*more, out="packed", features=("packed_distractors", "packed_probes"))
    assert results("again") == expected
    assert results("packed") == expected
    assert len(expected) == 8


def test_two_workers_of_ray_give_the_same_bytes(place):
    pytest.importorskip("ray", reason="Ray is not installed")
    run(out="threads")
    run("--engine", "ray", "--workers", "2", "--block", "64", out="ray")
    assert results("ray") == results("threads")
    assert results("ray", "*_1.json")


def test_fast_mode_is_close(place):
    write_distractors(np.random.default_rng(0).standard_normal((900, DIMENSION)).astype(np.float32) / 4)
    run("-s", "700", out="exact")
    run("-s", "700", "--mode", "fast", out="fast")
    first, second = exact(out="exact"), exact(out="fast")
    assert (first["mode"], second["mode"]) == ("exact", "fast")
    np.testing.assert_allclose(second["identification"]["rate"], first["identification"]["rate"], atol=0.005)


def test_ids_and_longer_paths_in_distractor_lists(place):
    """Challenge 2's lists name the person of each distractor, which does not matter."""
    run("-s", "100", out="one")
    source = json.loads(Path("megaface_features_list.json_100_1").read_text())
    source["id"] = [path.split("/")[0] for path in source["path"]]
    Path("megaface2_features_list.json_100_1").write_text(json.dumps(source))
    run("-s", "100", "-dlp", "megaface2_features_list.json", out="two")
    first = contents("one", "[cm]*.json")
    second = contents("two", "[cm]*.json")
    assert list(first.values()) == list(second.values())
    assert sorted(second) == [f"{kind}_facescrub_megaface2_net_100_1.json" for kind in ("cmc", "matches")]
    assert json.loads(Path("two/otherFiles/megaface2_features_net_100_1").read_text())["id"] == source["id"]


def test_sizes_and_sets(place, capsys):
    run("-s", "10", "10", "100")
    assert len(contents("out", "cmc_*")) == 2
    assert "json_10_2: expected a distractor list" in fails(capsys, "-s", "10", "-ns", "2")
    os.link("megaface_features_list.json_100_1", "megaface_features_list.json_100_2")
    run("-s", "100", "-ns", "2", out="sets")
    assert sorted(contents("sets", "cmc_*")) == [f"cmc_facescrub_megaface_net_100_{number}.json" for number in (1, 2)]


def test_default_sizes_say_what_is_left_out(place, capsys):
    main(arguments()[:8])
    line = capsys.readouterr().out.splitlines()[0]
    assert line == "Left out, as there is no list: 1000, 10000, 100000, 1000000 distractors"
    assert set(contents("out", "cmc_*")) == {f"cmc_facescrub_megaface_net_{size}_1.json" for size in (10, 100)}


def test_a_list_that_is_shorter_than_its_size(place, capsys):
    """So it is after noisy distractors have left it."""
    os.rename("megaface_features_list.json_100_1", "megaface_features_list.json_105_1")
    run("-s", "105")
    assert "megaface_features_list.json_105_1: has 100 images, all of which count" in capsys.readouterr().out
    assert exact(105)["distractors"] == 100
    assert json.loads(Path("out/cmc_facescrub_megaface_net_105_1.json").read_text())["cmc"][0][-1] == 100


def test_deleted_matrices(place):
    run("--score-matrices", "-d")
    assert sorted(contents("out/otherFiles", "*.bin")) == ["facescrub_facescrub_net.bin"]
    run("-d", out="none")
    assert contents("none", "*.bin") == {}


def test_scoring_models(place, capsys):
    Path("jb_identity.bin").write_bytes(bytes(48))
    run("-m", "jb_identity.bin", "-s", "10")
    Path("jb_LBP.bin").write_bytes(b"\1" * 100)
    message = fails(capsys, "-m", "jb_LBP.bin", out="other")
    assert message.startswith("jb_LBP.bin: expected the identity model, 48 zero bytes, found another; joint Bayesian")


def test_upstreams_flags():
    args = parse([*FOLDERS, "-s", "10", "100", "-m", "m", "-ns", "2", "-d", "-p", "pl", "-dlp", "dl"])
    found = [args.distractor_feature_path, args.probe_feature_path, args.file_ending, args.out_root]
    assert found == FOLDERS
    assert (args.sizes, args.model, args.num_sets, args.delete_matrices) == ([10, 100], "m", 2, True)
    assert (args.probe_list, args.distractor_list_path) == ("pl", "dl")
    spelled = ["--sizes", "10", "100", "--model", "m", "--num_sets", "2", "--delete_matrices", "--probe_list", "pl"]
    assert parse([*FOLDERS, *spelled, "--distractor_list_path", "dl"]) == args


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--engine", "ray", "--device", "cuda"], "--device cuda works in this process: use --engine local"),
        (["--report"], "--report needs --probe-images and --distractor-images"),
        (["-s", "0"], "expected a whole number, 1 or more, found '0'"),
        (["--resume", "--overwrite"], "not allowed with argument"),
    ],
)
def test_arguments_that_are_refused(capsys, more, message):
    with pytest.raises(SystemExit):
        parse([*FOLDERS, *more])
    assert message in capsys.readouterr().err


def feature_of(position, size=700):
    paths = json.loads(Path(f"megaface_features_list.json_{size}_1").read_text())["path"]
    return Path("distractors", paths[position] + ENDING)


def test_missing_features(place, capsys):
    for position in range(0, 16, 2):
        feature_of(position).unlink()
    message = fails(capsys)
    assert message.startswith("distractors: expected 900 feature files of one size, found 8 missing: distractors/")
    assert message.count(ENDING) == 5
    assert "and 3 more" in message
    assert not contents("out", "*_1.*json")
    write_store("few", [draw(2, 10)], [f"{number}.jpg" for number in range(10)], DIMENSION)
    message = fails(capsys, features=("few", "packed_probes"))
    assert message.startswith("few.npy: expected 900 listed features, found 900 missing: ")
    assert message.count(".jpg") == 5


def test_features_that_are_cut_off(place, capsys):
    for position in (3, 4, 7):
        feature_of(position).write_bytes(feature_of(position).read_bytes()[:-4])
    message = fails(capsys)
    assert "found 3 of another size than 112 bytes: " in message
    assert str(feature_of(3)) in message


@pytest.mark.parametrize(
    ("start", "patch", "message"),
    [
        (8, b"\0\0\0\0", "expected 4 bytes a row of 1 float32, found step 0"),
        (12, b"\7\0\0\0", "expected type 5 (float32) or 6 (float64), found 7"),
        (20, b"\0\0\xc0\x7f", "number 1: expected a finite number, found nan"),
        (20, b"\0\0\x80\x7f", "number 1: expected a finite number, found inf"),
        (0, b"\2\0\0\0\x0c\0\0\0\x30\0\0\0", "expected a vector"),
    ],
)
def test_damaged_features(place, capsys, start, patch, message):
    path = feature_of(500)
    data = path.read_bytes()
    path.write_bytes(data[:start] + patch + data[start + len(patch) :])
    line = fails(capsys)
    assert line.startswith(f"{path}: ")
    assert message in line


def test_features_of_two_models(place, capsys):
    short = np.ones((900, 7), np.float32)
    write_store("short", [short], json.loads(Path("packed_distractors.json").read_text())["path"], 7)
    assert fails(capsys, features=("short", "probes")) == (
        "short: expected features of 24 numbers as the probes', found 7; give features of one model"
    )


def test_a_damaged_store(place, capsys):
    data = Path("packed_distractors.npy").read_bytes()
    Path("packed_distractors.npy").write_bytes(data[:-1])
    assert "packed_distractors.npy: expected" in fails(capsys, features=("packed_distractors", "packed_probes"))
    Path("packed_distractors.npy").write_bytes(data[:-4] + b"\0\0\xc0\x7f")
    line = fails(capsys, features=("packed_distractors", "packed_probes"))
    assert line.startswith("packed_distractors.npy: ")
    assert "expected a finite number" in line


def test_bad_lists(place, capsys):
    content = json.loads(Path("facescrub_features_list.json").read_text())
    for change, message in (
        ({"id": list(range(120))}, "id 0: expected a string, found 0"),
        ({"id": content["id"][:-1]}, "expected as many ids as paths, found 119 ids and 120 paths"),
        ({"id": None}, "'id'"),
        ({"path": ["../x", *content["path"][1:]]}, "path 0: expected a path below the image folder"),
    ):
        Path("facescrub_features_list.json").write_text(json.dumps({**content, **change}))
        assert message in fails(capsys)
    Path("facescrub_features_list.json").write_text(json.dumps({"path": content["path"]}))
    assert "expected an 'id' array" in fails(capsys)
    Path("facescrub_features_list.json").write_text(json.dumps({**content, "id": content["path"]}))
    assert "expected a person with two images or more" in fails(capsys, "--overwrite")
    Path("facescrub_features_list.json").write_text("[")
    assert "expected a JSON list of the devkit" in fails(capsys)
    Path("facescrub_features_list.json").unlink()
    assert "expected a list, found: No such file" in fails(capsys)


def test_what_is_there_is_an_error_kept_or_replaced(place, capsys, monkeypatch):
    run("--score-matrices")
    before = contents("out")
    message = fails(capsys)
    assert message.endswith(" and 11 more: exists already; give --resume to go on, --overwrite or another out_root")
    count_block = distractor_count.count_block
    monkeypatch.setattr(distractor_count, "count_block", None)  # what is finished is not counted
    stale = Path("out/otherFiles/unfinished_facescrub_megaface_net_10_1.npz")  # killed after the results were written
    stale.write_bytes(b"")
    run("--resume", "--score-matrices")
    assert "facescrub, 700 megaface, set 1 (finished before)" in capsys.readouterr().out
    assert contents("out") == before
    monkeypatch.setattr(distractor_count, "count_block", count_block)
    Path("out/cmc_facescrub_megaface_net_10_1.json").unlink()
    run("--resume")
    assert results("out") == {name: before[name] for name in results("out")}
    assert not Path("out/otherFiles/facescrub_megaface_net_10_1.bin").exists()  # nothing says of which run it was
    write_distractors(draw(5, 900))
    message = fails(capsys, "--resume")
    assert "expected results of these lists, features and mode, found others'; give --overwrite" in message
    run("--overwrite")
    assert contents("out", "matches*") != {name: data for name, data in before.items() if name.startswith("matches")}


@pytest.mark.parametrize("layout", [("distractors", "probes"), ("packed_distractors", "packed_probes")])
def test_one_feature_that_changed_is_not_resumed(place, capsys, layout):
    run("-s", "700", features=layout)
    before = contents("out")
    rows = draw(2, 900)
    rows[333] = -1
    paths = json.loads(Path("packed_distractors.json").read_text())["path"]
    if "distractors" in layout:
        write_feature(Path("distractors", paths[333] + ENDING), rows[333])
    else:
        write_store("packed_distractors", [rows], paths, DIMENSION, overwrite=True)
    message = fails(capsys, "-s", "700", "--resume", features=layout)
    assert "expected results of these lists, features and mode, found others'; give --overwrite" in message
    assert contents("out") == before


@pytest.mark.parametrize("kind", ["cmc", "matches", "exact", "curves"])
@pytest.mark.parametrize("content", [b"", b"{", b"junk"])
def test_a_damaged_result_is_counted_again(place, capsys, kind, content):
    run("-s", "10")
    before = contents("out")
    (path,) = Path("out").rglob(f"{kind}_*")
    path.write_bytes(content)
    run("-s", "10", "--resume")
    assert "facescrub, 10 megaface, set 1: not all results are as they were written" in capsys.readouterr().out
    assert contents("out") == before


def test_results_without_a_record_are_not_replaced(place, capsys):
    """They may be the devkit's."""
    run("-s", "10")
    Path("out/otherFiles/finished_facescrub_megaface_net_10_1.json").write_bytes(b"{")
    before = contents("out")
    message = fails(capsys, "-s", "10", "--resume")
    assert message.startswith(
        "out/matches_facescrub_megaface_net_10_1.json: expected beside it out/otherFiles/finished"
    )
    assert contents("out") == before
    run("-s", "10", "--overwrite")


def test_overwrite_leaves_nothing_of_other_features(place):
    run("-s", "10", "--score-matrices")
    Path("out/failed_facescrub_megaface_net_10_1.html").write_text("old")
    write_distractors(draw(5, 900))
    run("-s", "10", "--overwrite")
    run("-s", "10", out="fresh")
    assert contents("out") == contents("fresh")


def test_a_score_matrix_of_other_features_is_written_again(place):
    run("-s", "10", "--score-matrices", out="old")
    write_distractors(draw(5, 900))
    run("-s", "10")
    name = "otherFiles/facescrub_megaface_net_10_1.bin"
    Path("out", name).write_bytes(Path("old", name).read_bytes())
    run("-s", "10", "--resume", "--score-matrices")
    assert Path("out", name).read_bytes() != Path("old", name).read_bytes()
    kept = Path("out", name).stat().st_mtime_ns
    run("-s", "10", "--resume", "--score-matrices")
    assert Path("out", name).stat().st_mtime_ns == kept


def test_bad_input_writes_nothing(place, capsys):
    feature_of(0).unlink()
    fails(capsys)
    assert not Path("out").exists()
    write_distractors(draw(2, 900))
    run("-s", "10")
    before = contents("out")
    content = json.loads(Path("facescrub_features_list.json").read_text())
    Path("facescrub_features_list.json").write_text(json.dumps({**content, "id": content["path"]}))
    fails(capsys, "-s", "10", "--overwrite")
    assert contents("out") == before


def test_the_table_has_all_finished_sizes(place):
    for size in ("100", "10", "700"):
        run("-s", size)
    Path("out/exact_facescrub_megaface_net_700_1.json").write_text("{")
    run("-s", "100", "--overwrite")
    with open("out/results_facescrub_megaface_net.csv", newline="") as file:
        assert [row["size"] for row in csv.DictReader(file)] == ["10", "100"]


def test_the_table_has_no_sizes_of_other_probes(place, capsys):
    run("-s", "100")
    content = json.loads(Path("facescrub_features_list.json").read_text())
    write_features("probes", draw(8, 120), content["path"])
    run("-s", "10")
    with open("out/results_facescrub_megaface_net.csv", newline="") as file:
        assert [row["size"] for row in csv.DictReader(file)] == ["10"]
    assert "_net.csv: left out 1 earlier results, of other probes or damaged" in capsys.readouterr().out


def test_an_interrupt_saves_what_is_counted(place, capsys, monkeypatch):
    run("-s", "700", "--block", "50", out="whole")
    count_block = distractor_count.count_block
    capsys.readouterr()

    def interrupted(job, start, *more):
        if start == 150:
            os.kill(os.getpid(), signal.SIGINT)
        return count_block(job, start, *more)

    monkeypatch.setattr(distractor_count, "count_block", interrupted)
    with pytest.raises(SystemExit) as stopped:
        run("-s", "700", "--block", "50")
    assert stopped.value.code == 130
    said = capsys.readouterr().err
    assert "facescrub, 700 megaface, set 1: 200 of 700 distractors are counted and saved; give --resume" in said
    starts = []
    monkeypatch.setattr(
        distractor_count, "count_block", lambda job, *span: starts.append(span[0]) or count_block(job, *span)
    )
    run("-s", "700", "--resume")
    assert starts == [200]
    assert contents("out") == contents("whole")


def test_images_that_are_listed_twice_are_named(place, capsys):
    content = json.loads(Path("megaface_features_list.json_10_1").read_text())
    content["path"][3:5] = content["path"][:1] * 2
    Path("megaface_features_list.json_10_1").write_text(json.dumps(content))
    run("-s", "10")
    line = "megaface_features_list.json_10_1: 1 images stand in the list more than once, and count each time"
    assert line in capsys.readouterr().out.splitlines()
    found = exact(10)
    assert (found["probe_list"]["listed_again"], found["distractor_list"]["listed_again"]) == (0, 1)
    assert found["probes_without_mate"] == 1


def test_lists_and_folders_that_are_absent(place, capsys):
    for more, message in (
        ([], "../templatelists/facescrub_features_list.json: expected the devkit's lists here, as by default, found "),
        (["-p", "facescrub_features_list.json"], "../templatelists: expected the devkit's lists here, as by default, "),
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(["distractors", "probes", ENDING, "out", *more])
        assert message in capsys.readouterr().err
    message = fails(capsys, "--report", "--probe-images", "probes", "--distractor-images", "nowhere")
    assert message.startswith("nowhere: expected a folder of images for the report, found none; check --distractor-im")
    assert not Path("out").exists()


def test_a_column_of_remove_noises_on_one_side(place, capsys):
    paths = json.loads(Path("packed_distractors.json").read_text())["path"]
    write_store("longer", [np.ones((900, 25), np.float32)], paths, 25)
    assert "if remove_noises has added a column to the features of one side" in fails(
        capsys, features=("longer", "probes")
    )


def test_killed_and_continued_gives_the_same_bytes(place, capsys, monkeypatch):
    run("--block", "3", "-s", "700", "10", out="whole")
    slowly = "import sys; from insightrec.megaface import experiment, run_experiment; "
    slowly += "experiment.CHECKPOINT_SECONDS = 0; run_experiment.main(sys.argv[1:])"
    command = [sys.executable, "-c", slowly, *arguments("--block", "3", "-s", "700", "10")]
    checkpoint = Path("out/otherFiles/unfinished_facescrub_megaface_net_700_1.npz")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not contents("out", "exact*")
    assert "unfinished_facescrub_megaface_net_700_1.npz: exists already; give --resume" in fails(capsys)
    message = fails(capsys, "--resume", "--mode", "fast")
    assert "npz: expected counts of these lists, features and mode, found others'; give --overwrite" in message

    with np.load(checkpoint) as file:
        (done,) = file["columns"].tolist()
    assert done[0] == 0
    assert 0 < done[1] < 700
    starts = []
    count_block = distractor_count.count_block
    monkeypatch.setattr(
        distractor_count, "count_block", lambda job, *span: starts.append(span[0]) or count_block(job, *span)
    )
    run("--resume", "-s", "700", "10")
    assert starts == [done[1], 0]
    found = contents("out")
    assert [name for name in found if name.endswith(".tmp")] == []
    assert found == contents("whole")


def test_an_unfinished_run_may_be_dropped(place, capsys):
    run("-s", "10", out="whole")
    checkpoint = Path("out/otherFiles/unfinished_facescrub_megaface_net_10_1.npz")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"damaged")
    assert "found a damaged file" in fails(capsys, "-s", "10", "--resume")
    run("-s", "10", "--overwrite")
    assert contents("out") == contents("whole")


def test_page_of_failed_probes(place):
    for name in ("probes", "distractors"):
        for number, path in enumerate(json.loads(Path(f"packed_{name}.json").read_text())["path"]):
            Path("images", name, path).parent.mkdir(parents=True, exist_ok=True)
            if number % 10:
                cv2.imwrite(f"images/{name}/{path}", np.full((4, 4, 3), number % 250, np.uint8))
    images = ["--report", "--probe-images", "images/probes", "--distractor-images", "images/distractors"]
    run("-s", "700", *images)
    page = Path("out/failed_facescrub_megaface_net_700_1.html").read_text()
    matches = json.loads(Path("out/matches_facescrub_megaface_net_700_1.json").read_text())
    failed = {
        probe for entry in matches if entry["probes"] for probe, rank in zip(*entry["probes"].values()) if rank > 0
    }
    assert failed
    assert f"{len(failed)} of 120 probes have a mate that some distractor beats" in page
    assert page.count("mates not first</figcaption>") == min(len(failed), 100)
    assert page.count("<img ") > page.count(">not readable</div>") > 0
    run("-s", "700", "--resume", *images)
    assert Path("out/failed_facescrub_megaface_net_700_1.html").read_text() == page
