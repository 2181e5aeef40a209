"""What is refused, removed and kept."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from insightrec.megaface.experiment_files import clear_unfinished, refuse_existing
from insightrec.megaface.experiment_names import ExperimentNames
from insightrec.recordio_tools.errors import OutputError


@pytest.fixture
def names(tmp_path):
    """Two sizes, all files of which are there."""
    both = [ExperimentNames(tmp_path, "facescrub", "megaface", "net", size, 1) for size in (10, 100)]
    (tmp_path / "otherFiles").mkdir()
    for path in [both[0].probe_scores, *both[0].all_files, *both[1].all_files]:
        path.touch()
    return both


def left(each):
    return [path for path in each.all_files if path.exists()]


def test_refused(names):
    with pytest.raises(OutputError, match="net_10_1.json and 15 more: exists already; give --resume"):
        refuse_existing(names, False)
    for path in [*names[0].all_files, *names[1].all_files]:
        path.unlink()
    refuse_existing(names, False)
    with pytest.raises(OutputError, match="facescrub_facescrub_net.bin: exists already"):
        refuse_existing(names, True)


def test_resumed(names, capsys):
    clear_unfinished([SimpleNamespace(names=each) for each in names], [True, False], False)
    assert left(names[0]) == names[0].all_files
    assert left(names[1]) == [names[1].checkpoint]
    assert names[0].probe_scores.exists()
    assert capsys.readouterr().out == (
        "facescrub, 100 megaface, set 1: not all results are as they were written: counted again\n"
    )


def test_overwritten(names, tmp_path, capsys):
    other = Path(tmp_path, "otherFiles", "facescrub_features_net")
    other.touch()
    clear_unfinished([SimpleNamespace(names=each) for each in names], [False, False], True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other]
    assert capsys.readouterr().out == ""
