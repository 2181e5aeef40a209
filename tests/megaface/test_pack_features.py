import json

import numpy as np
import pytest

from insightrec.megaface.feature_file import write_feature
from insightrec.megaface.feature_source import PackedFeatures
from insightrec.megaface.pack_features import main, merge_lists
from insightrec.megaface.template_list import TemplateList, write_template_list

ROWS = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
ROWS[3, 2] = -0.0
ROWS[4, 1] = 1e-45  # subnormal
PATHS = [f"p{i % 4}/{i}.jpg" for i in range(30)]
IDS = [path[:2] for path in PATHS]


@pytest.fixture
def folder(tmp_path):
    for path, row in zip(PATHS, ROWS):
        write_feature(tmp_path / "features" / f"{path}_m.bin", row)
    write_template_list(tmp_path / "list.json", TemplateList(PATHS, IDS))
    return tmp_path


def run(folder, *arguments):
    main([str(folder / value[1:]) if value.startswith("@") else value for value in arguments])


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


TO_STORE = ["--to-store", "@store", "--root", "@features", "--list", "@list.json", "--file-ending", "_m.bin"]
TO_FILES = ["--to-files", "@again", "--store", "@store", "--file-ending", "_m.bin"]


def test_there_and_back_bit_for_bit(folder, capsys):
    before = tree(folder / "features")
    run(folder, *TO_STORE)
    assert "wrote 30 features" in capsys.readouterr().out
    assert np.load(folder / "store.npy").tobytes() == ROWS.tobytes()
    with open(folder / "store.json") as file:
        assert json.load(file)["id"] == IDS
    run(folder, *TO_FILES)
    assert "wrote 30 feature files" in capsys.readouterr().out
    assert tree(folder / "again") == tree(folder / "features") == before


def test_some_of_a_store(folder):
    run(folder, *TO_STORE)
    (folder / "some_lst").write_text("p1/5.jpg\np0/0.jpg\n")
    run(folder, *TO_FILES, "--list", "@some_lst")
    assert set(tree(folder / "again")) == {"p1/5.jpg_m.bin", "p0/0.jpg_m.bin"}


def test_several_lists_are_packed_as_one(folder):
    (folder / "a_lst").write_text("p1/5.jpg\np0/0.jpg\n")
    (folder / "b_lst").write_text("p0/0.jpg\np2/2.jpg\n")
    run(folder, *TO_STORE[:5], "@a_lst", "@b_lst", *TO_STORE[6:])
    source = PackedFeatures(folder / "store")
    assert source.paths == ["p1/5.jpg", "p0/0.jpg", "p2/2.jpg"]
    np.testing.assert_array_equal(source.read(0, 3), ROWS[[5, 0, 2]])


def test_merged_ids():
    both = TemplateList(["a", "b"], ["1", "2"]), TemplateList(["b", "c"], ["2", "3"])
    assert merge_lists(both) == TemplateList(["a", "b", "c"], ["1", "2", "3"])
    assert merge_lists([both[0], TemplateList(["c"])]) == TemplateList(["a", "b", "c"], None)


def refused(folder, capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        run(folder, *arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_nothing_is_replaced_unasked(folder, capsys):
    run(folder, *TO_STORE)
    run(folder, *TO_FILES)
    assert "store.npy, " in refused(folder, capsys, *TO_STORE)
    assert "again: expected an empty or new folder" in refused(folder, capsys, *TO_FILES)
    for option in ("--resume", "--overwrite"):
        run(folder, *TO_STORE, option)
        run(folder, *TO_FILES, option)
    assert "expected features of" in refused(
        folder, capsys, "--to-store", "@store", "--root", "@again", *TO_STORE[4:], "--resume"
    )


def test_a_store_of_features_that_have_changed_is_not_continued(folder, capsys):
    run(folder, *TO_STORE)
    before = (folder / "store.npy").read_bytes()
    write_feature(folder / "features" / f"{PATHS[5]}_m.bin", np.ones(6))
    assert "expected features of" in refused(folder, capsys, *TO_STORE, "--resume")
    assert (folder / "store.npy").read_bytes() == before
    run(folder, *TO_STORE, "--overwrite")
    assert np.load(folder / "store.npy")[5].tolist() == [1] * 6
    write_template_list(folder / "list.json", TemplateList(PATHS, IDS[::-1]), overwrite=True)
    assert "expected features of" in refused(folder, capsys, *TO_STORE, "--resume")


def test_a_path_of_two_persons(folder, capsys):
    write_template_list(folder / "other.json", TemplateList(PATHS[:1], ["someone"]))
    error = refused(folder, capsys, *TO_STORE[:5], "@list.json", "@other.json", *TO_STORE[6:])
    assert "p0/0.jpg: expected one person in all lists, found 'p0' and 'someone'" in error
    assert merge_lists([TemplateList(["a"], ["1"]), TemplateList(["a"])]) == TemplateList(["a"])


def test_a_store_by_its_matrix(folder):
    run(folder, "--to-store", "@store.npy", *TO_STORE[2:])
    run(folder, *TO_FILES[:3], "@store.npy", *TO_FILES[4:])
    assert tree(folder / "again") == tree(folder / "features")


def test_missing_features_leave_nothing(folder, capsys):
    (folder / "features" / "p1" / "5.jpg_m.bin").unlink()
    error = refused(folder, capsys, *TO_STORE)
    assert "1 missing: " in error
    assert error.count("\n") == 1
    assert not list(folder.glob("store*"))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--to-store", "x", "--file-ending", "y"], "--to-store needs --root and --list"),
        (["--to-files", "x", "--file-ending", "y"], "--to-files needs --store"),
        (["--to-store", "x", "--file-ending", "/y"], "argument --file-ending: expected the ending of a file's name"),
        (["--to-store", "x", "--file-ending", "y", "--resume", "--overwrite"], "not allowed with argument"),
        (["--file-ending", "y"], "one of the arguments --to-store --to-files is required"),
    ],
)
def test_usage(folder, capsys, arguments, found):
    assert found in refused(folder, capsys, *arguments)
