"""What holds for every file: imports point one way, no name hides the standard library's, tools explain themselves."""

import ast
import sys
from pathlib import Path

import pytest

from insightrec.recordio_tools.insightrec_command import ROOMS, find_tools, main

ROOT = Path(__file__).resolve().parents[1]
BELOW = {
    "recordio_tools": set(),
    "deploy": {"recordio_tools"},
    "eval": {"recordio_tools", "deploy"},
    "train": {"recordio_tools", "deploy", "eval"},
    "megaface": {"recordio_tools", "deploy", "eval"},
}
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).glob("**/*.py"))]


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_point_one_way(path):
    room = path.relative_to(ROOT).parts[0]
    for name in imported_names(path):
        first, *rest = name.split(".")
        assert first not in ROOMS, f"{path}: import {name} by its installed name, insightrec.{name}"
        if first == "insightrec":
            assert rest[0] in BELOW[room] | {room}, f"{path}: {room} may not import {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_hides_the_standard_library(room):
    if not hasattr(sys, "stdlib_module_names"):
        pytest.skip("Python 3.9 does not list its standard library")
    names = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    assert not names & sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_bytes()))
    assert not {"utils", "helpers", "common", "misc"} & set(path.stem.split("_"))


@pytest.mark.parametrize("name", find_tools())
def test_every_tool_has_help_and_refuses_unknown_flags(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"usage: {name}.py" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main([name, "--no-such-flag"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("room", ROOMS)
def test_tests_mirror_the_modules(room):
    for path in (ROOT / "tests" / room).glob("**/test_*.py"):
        mirrored = path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_"))
        assert (ROOT / mirrored).is_file(), f"{path} tests no module"
