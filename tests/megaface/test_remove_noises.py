import signal
import subprocess
import sys

import numpy as np
import pytest

from insightrec.megaface.feature_file import write_feature
from insightrec.megaface.feature_source import FeatureFiles, PackedFeatures
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.remove_noises import main
from insightrec.megaface.template_list import TemplateList, read_template_list, write_template_list

RANDOM = np.random.default_rng(0)
PROBES = [f"{name}/{name}_{i}.png" for name in ("A_B", "C_Jr.") for i in range(5)]
DISTRACTORS = [f"37{i % 2}/37{i % 2}11@N00/{i}_0.jpg" for i in range(20)]
PROBE_ROWS = RANDOM.standard_normal((10, 6)).astype(np.float32)
DISTRACTOR_ROWS = RANDOM.standard_normal((20, 6)).astype(np.float32)
NOISY_PROBE, NOISY_DISTRACTOR = 7, 4


@pytest.fixture
def folder(tmp_path):
    """Features as files in ``in``, as stores in ``packed``; lists of the devkit, of lines, and of noises."""
    for part, paths, rows in (("facescrub", PROBES, PROBE_ROWS), ("megaface", DISTRACTORS, DISTRACTOR_ROWS)):
        for path, row in zip(paths, rows):
            write_feature(tmp_path / "in" / part / f"{path}_m.bin", row)
        write_store(tmp_path / "packed" / part, rows, paths, 6)
    write_template_list(tmp_path / "probes.json", TemplateList(PROBES, [path.split("/")[0] for path in PROBES]))
    write_template_list(tmp_path / "distractors.json_20_1", TemplateList(DISTRACTORS))
    (tmp_path / "facescrub_lst").write_text("".join(f"1\t/images/{path}\t0\n" for path in PROBES))
    (tmp_path / "megaface_lst").write_text("".join(f"{path}\n" for path in DISTRACTORS))
    (tmp_path / "fs.txt").write_text("#rules\nC_Jr._2.png\nC_Jr._99.png\nOther_1.png\nOther_2.png\n")
    (tmp_path / "mf.txt").write_text(f"#rules\n0.9\t{DISTRACTORS[4]}\n999/9@N00/1_0.jpg\n999/9@N00/1_0.jpg\n")
    return tmp_path


def command(folder, *more, source="in", out="out", probes="probes.json", distractors="distractors.json_20_1"):
    return [
        *("--facescrub-lst", folder / probes, "--megaface-lst", folder / distractors),
        *("--facescrub-noises", folder / "fs.txt", "--megaface-noises", folder / "mf.txt"),
        *("--feature-dir-input", folder / source, "--feature-dir-out", folder / out, "--algo", "m", *more),
    ]


def run(*arguments, **options):
    main([str(argument) for argument in command(*arguments, **options)])


def refused(capsys, *arguments, **options):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments, **options)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "error: " in error
    return error


def rows_of(folder, part, paths, packed=False):
    source = PackedFeatures(folder / part, paths) if packed else FeatureFiles(folder / part, paths, "_m.bin")
    source.check()
    return source.read(0, len(paths))


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_insightface_from_files_and_store(folder, capsys):
    before = tree(folder / "in"), tree(folder / "packed")
    run(folder)
    printed = capsys.readouterr().out
    assert (
        "facescrub: 1 of 4 noisy names (0 lines repeat one) are in the list of 10 images, which makes 1 images noisy; "
        "2 are of people whom the list of 2 people has not, 1 are other images of its people" in printed
    )
    assert "megaface: 1 of 2 noisy names (1 lines repeat one) are in the list of 20 images" in printed
    run(folder, source="packed", out="packed_out")
    probes, distractors = (
        rows_of(folder / "out", *part) for part in (("facescrub", PROBES), ("megaface", DISTRACTORS))
    )
    clean = np.arange(10) != NOISY_PROBE
    np.testing.assert_array_equal(probes[clean], np.pad(PROBE_ROWS, ((0, 0), (0, 1)))[clean])
    center = PROBE_ROWS[[5, 6, 8, 9]].sum(axis=0)
    np.testing.assert_allclose(probes[NOISY_PROBE, :6], center / np.linalg.norm(center), atol=0.002)
    np.testing.assert_array_equal(distractors[:, :6], DISTRACTOR_ROWS)
    np.testing.assert_array_equal(distractors[:, 6], np.where(np.arange(20) == NOISY_DISTRACTOR, 100, 0))
    np.testing.assert_array_equal(rows_of(folder / "packed_out", "facescrub", PROBES, packed=True), probes)
    np.testing.assert_array_equal(rows_of(folder / "packed_out", "megaface", DISTRACTORS, packed=True), distractors)
    assert (tree(folder / "in"), tree(folder / "packed")) == before


def test_lists_of_lines_give_the_same(folder):
    run(folder)
    run(folder, out="lines", probes="facescrub_lst", distractors="megaface_lst")
    assert tree(folder / "lines") == tree(folder / "out")


def test_the_seed(folder):
    run(folder)
    run(folder, "--seed", 1, out="other")
    differing = {name for name, data in tree(folder / "other").items() if tree(folder / "out")[name] != data}
    assert differing == {f"facescrub/{PROBES[NOISY_PROBE]}_m.bin", "facescrub_origin.json", "megaface_origin.json"}


def test_zero_warns(folder, capsys):
    run(folder, "--policy", "zero")
    assert "remove_noises: warning: a zero distractor is nearer" in capsys.readouterr().err
    distractors = rows_of(folder / "out", "megaface", DISTRACTORS)
    expected = np.where(np.arange(20)[:, None] == NOISY_DISTRACTOR, 0, DISTRACTOR_ROWS)
    np.testing.assert_array_equal(distractors, expected)


def test_drop_writes_lists_alone(folder):
    run(folder, "--policy", "drop")
    assert set(tree(folder / "out")) == {"probes.json", "distractors.json_20_1"}
    probes = read_template_list(folder / "out" / "probes.json", ids_required=True)
    assert probes.paths == PROBES[:7] + PROBES[8:]
    assert probes.ids == [path.split("/")[0] for path in probes.paths]
    distractors = read_template_list(folder / "out" / "distractors.json_20_1")
    assert distractors == TemplateList(DISTRACTORS[:4] + DISTRACTORS[5:])
    run(folder, "--policy", "drop", out="lines", probes="facescrub_lst")
    assert read_template_list(folder / "lines" / "facescrub_features_list.json") == probes


def test_drop_gives_the_lists_of_step_one_the_names_that_run_experiment_looks_for(folder):
    for part in ("facescrub", "megaface"):
        (folder / part).mkdir()
        (folder / f"{part}_lst").rename(folder / part / "lst")
    run(folder, "--policy", "drop", probes="facescrub/lst", distractors="megaface/lst")
    assert set(tree(folder / "out")) == {"facescrub_features_list.json", "megaface_features_list.json_19_1"}
    probes = read_template_list(folder / "out" / "facescrub_features_list.json", ids_required=True)
    assert probes.paths == PROBES[:7] + PROBES[8:]
    distractors = read_template_list(folder / "out" / "megaface_features_list.json_19_1")
    assert distractors.paths == DISTRACTORS[:4] + DISTRACTORS[5:]


def test_nothing_is_written_unless_both_parts_can_be_read(folder, capsys):
    whole = (folder / "mf.txt").read_bytes()
    (folder / "mf.txt").write_text("\n".join(DISTRACTORS))
    assert "expected images that are not noisy, found none" in refused(capsys, folder, "--policy", "drop")
    (folder / "mf.txt").write_bytes(whole)
    (folder / "in" / "megaface" / f"{DISTRACTORS[0]}_m.bin").unlink()
    assert "1 missing" in refused(capsys, folder)
    assert not (folder / "out").exists()
    run(folder, "--policy", "drop")  # features are not looked at
    (folder / "out" / "probes.json").unlink()
    assert "distractors.json_20_1: exists already" in refused(capsys, folder, "--policy", "drop")
    assert not (folder / "out" / "probes.json").exists()


def test_noises_that_name_nothing(folder, capsys):
    (folder / "mf.txt").write_text("# none found\n")
    run(folder, "--policy", "drop")
    printed = capsys.readouterr()
    assert "megaface: 0 of 0 noisy names" in printed.out
    assert printed.err == ""
    (folder / "mf.txt").write_text("a/b/c.jpg\n")
    run(folder, "--policy", "drop", "--overwrite")
    assert "distractors.json_20_1: none of the noisy names is in this list" in capsys.readouterr().err


def test_people_are_told_by_the_list_s_ids(folder, capsys):
    paths = [f"{number}/{number}A{age}.jpg" for number in range(1, 83) for age in (2, 33)]
    write_template_list(folder / "fgnet.json", TemplateList(paths, [path.split("/")[0] for path in paths]))
    run(folder, "--policy", "drop", probes="fgnet.json")
    assert "4 are of people whom the list of 82 people has not, 0 are other images" in capsys.readouterr().out
    uncropped = [path.replace("_", " ", 1) for path in PROBES]
    write_template_list(folder / "uncropped.json", TemplateList(uncropped, [path.split("/")[0] for path in uncropped]))
    (folder / "fs.txt").write_text("A_B_99.png\nOther_1.png\n")
    run(folder, "--policy", "drop", "--overwrite", probes="uncropped.json")
    assert "1 are of people whom the list of 2 people has not, 1 are other images" in capsys.readouterr().out


def test_drop_needs_no_features_and_leaves_its_input(folder, capsys):
    lists = [*("--facescrub-lst", folder / "probes.json"), *("--facescrub-noises", folder / "fs.txt")]
    arguments = [str(value) for value in ["--policy", "drop", *lists, "--feature-dir-out"]]
    main([*arguments, str(folder / "out")])
    assert "9 images" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, str(folder), "--overwrite"])
    assert "found the input" in capsys.readouterr().err
    (folder / "fs.txt").write_text("\n".join(path.split("/")[1] for path in PROBES))
    with pytest.raises(SystemExit):
        main([*arguments, str(folder / "none")])
    assert "expected images that are not noisy, found none" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["in", "packed"])
def test_again(folder, capsys, source):
    run(folder, source=source)
    before = tree(folder / "out")
    refused(capsys, folder, source=source)
    run(folder, "--resume", source=source)
    assert tree(folder / "out") == before
    run(folder, "--overwrite", source=source)
    assert tree(folder / "out") == before
    assert "found the input" in refused(capsys, folder, "--overwrite", source=source, out=source)


KILLED = """
import os, signal, sys
from insightrec.megaface import feature_writer, packed_store, remove_noises
feature_writer._BLOCK = 3
for writer in (feature_writer.FileWriter, packed_store.StoreWriter):
    def append(self, paths, *more, append=writer.append):
        if paths[0] == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, paths, *more)
    writer.append = append
remove_noises.main(sys.argv[2:])
"""


@pytest.mark.parametrize("path", [PROBES[6], DISTRACTORS[0], DISTRACTORS[18]])
@pytest.mark.parametrize("source", ["in", "packed"])
def test_killed_and_run_again(folder, source, path):
    run(folder, source=source, out="straight")
    code = subprocess.run(
        [sys.executable, "-c", KILLED, path, *map(str, command(folder, source=source))], capture_output=True
    ).returncode
    assert code == -signal.SIGKILL
    assert tree(folder / "out") != tree(folder / "straight")
    run(folder, "--resume", source=source)
    assert tree(folder / "out") == tree(folder / "straight")


@pytest.mark.parametrize("source", ["in", "packed"])
def test_features_of_another_seed_or_of_others_are_not_taken_for_these(folder, capsys, source):
    run(folder, source=source)
    before = tree(folder / "out")
    assert "seed 1" in refused(capsys, folder, "--seed", 1, "--resume", source=source)
    assert "policy zero" in refused(capsys, folder, "--policy", "zero", "--resume", source=source)
    write_feature(folder / "in" / "facescrub" / f"{PROBES[0]}_m.bin", np.ones(6))
    write_store(folder / "packed" / "facescrub", -PROBE_ROWS, PROBES, 6, overwrite=True)
    assert "seed 0" in refused(capsys, folder, "--resume", source=source)
    assert tree(folder / "out") == before


def test_missing_features_are_one_error(folder, capsys):
    for path in PROBES[:3]:
        (folder / "in" / "facescrub" / f"{path}_m.bin").unlink()
    assert "found 3 missing: " in refused(capsys, folder)
    assert not (folder / "out").exists()


def test_all_images_of_a_person_noisy(folder, capsys):
    (folder / "fs.txt").write_text("".join(f"C_Jr._{i}.png\n" for i in range(5)))
    assert "C_Jr.: expected an image that is not noisy" in refused(capsys, folder)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], "expected --facescrub-lst, --megaface-lst or both"),
        (["--megaface-lst", "x"], "--megaface-lst needs --megaface-noises"),
        (
            ["--megaface-lst", "x", "--megaface-noises", "y", "--facescrub-noises", "z"],
            "--facescrub-noises needs --face",
        ),
        (["--megaface-lst", "x", "--megaface-noises", "y", "--algo", "../a"], "expected the ending of a file's name"),
        (["--megaface-lst", "x", "--megaface-noises", "y"], "--policy insightface needs --feature-dir-input"),
    ],
)
def test_usage(capsys, arguments, found):
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--feature-dir-out", "out"])
    assert stopped.value.code == 2
    assert found in capsys.readouterr().err


def test_help_states_the_leak_and_the_warning(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "leaks the label" in text
    assert "it outranks strangers" in text
