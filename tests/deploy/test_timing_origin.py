import datetime
import shutil
import subprocess

import numpy as np
import pytest

from insightrec.deploy import timing_origin as module
from insightrec.deploy.timing_origin import source_commit, timing_origin


def test_an_origin_names_day_source_machine_and_versions():
    origin = timing_origin(["numpy", "no-such-package"])
    assert list(origin) == ["date", "commit", "processor", "python", "numpy", "no-such-package"]
    assert datetime.date.fromisoformat(origin["date"]) <= datetime.date.today()
    assert (origin["numpy"], origin["no-such-package"]) == (np.__version__, "-")
    assert all(isinstance(value, str) for value in origin.values())


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Function that runs git in a new repository, in which the module seems to lie."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    for folder in ("deploy", "benchmarks/results"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "deploy" / "timing_origin.py"))

    def run(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, "-C", str(tmp_path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init")
    return run


def test_a_checkout_is_its_commit_and_whether_it_was_changed(git, tmp_path):
    source = tmp_path / "deploy" / "timing_origin.py"
    source.write_text("before")
    git("add", ".")
    git("commit", "-m", "first")
    commit = git("rev-parse", "--short", "HEAD")
    (tmp_path / "benchmarks" / "results" / "new.csv").write_text("a row")
    assert source_commit() == commit
    source.write_text("after")
    assert source_commit() == f"{commit}+"


def test_an_installation_inside_another_checkout_is_not_that_commit(git, tmp_path):
    (tmp_path / "theirs.py").write_text("")
    git("add", "theirs.py")
    git("commit", "-m", "first")
    (tmp_path / "deploy" / "timing_origin.py").write_text("")  # not tracked, as site-packages are not
    assert source_commit().startswith("insightrec ")


def test_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert source_commit().startswith("insightrec ")
