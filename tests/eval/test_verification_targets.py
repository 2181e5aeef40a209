import pytest

from insightrec.eval.verification_targets import find_targets
from insightrec.recordio_tools.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for name in ("lfw.bin", "agedb_30.bin", "property"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.filterwarnings("error")
def test_names_and_paths_in_the_order_given(folder, monkeypatch):
    found = find_targets(folder, f"agedb_30, {folder / 'lfw.bin'}")
    assert list(found.items()) == [("agedb_30", folder / "agedb_30.bin"), ("lfw", folder / "lfw.bin")]
    monkeypatch.chdir(folder)
    assert list(find_targets("", "lfw")) == ["lfw"]  # the default --data-dir is the current folder
    assert list(find_targets("", "lfw,lfw")) == ["lfw"]


def test_an_absent_target_is_said_to_be_skipped(folder):
    with pytest.warns(UserWarning, match="skipped") as said:
        assert list(find_targets(folder, "lfw,cfp_ff,cfp_fp,agedb_30")) == ["lfw", "agedb_30"]
    assert [str(warning.message) for warning in said] == [
        f"{folder / name}: no such verification pack, skipped" for name in ("cfp_ff.bin", "cfp_fp.bin")
    ]


def test_no_pack_at_all_lists_what_is_there(folder, tmp_path_factory):
    with pytest.raises(InputError, match=r"--target cfp_fp, found agedb_30.bin, lfw.bin; change"):
        find_targets(folder, "cfp_fp")
    with pytest.raises(InputError, match=r"found no .bin file"):
        find_targets(tmp_path_factory.mktemp("empty"), "lfw")


def test_missing_folders_and_paths_are_input_errors(folder):
    with pytest.raises(InputError, match="expected a folder of verification packs"):
        find_targets(folder / "absent", "lfw")
    with pytest.raises(InputError, match=r"other.bin: expected a verification pack, found no such file"):
        find_targets(folder, f"lfw,{folder / 'other.bin'}")


def test_two_packs_of_one_name_are_refused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "lfw.bin"
    other.touch()
    with pytest.raises(InputError, match="expected targets of different names"):
        find_targets(folder, f"lfw,{other}")
