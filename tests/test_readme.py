"""The commands in the README name tools that exist, and flags and values that these take."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from insightrec.recordio_tools.insightrec_command import find_tools, main

README = Path(__file__).resolve().parents[1] / "README.md"


def commands(text):
    """What follows ``insightrec`` in every piece of code, blocks and between backticks."""
    parts = text.split("```")
    code = [line for block in parts[1::2] for line in block.splitlines()]
    code += [" ".join(piece.split()) for prose in parts[0::2] for piece in re.findall(r"`([^`]+)`", prose)]
    return [found[1] for found in (re.search(r"(?:^|\s)insightrec ([a-z].*)", piece) for piece in code) if found]


class Parsed(BaseException):
    """In place of the tool's work; not an error that a tool reports."""


@pytest.fixture
def only_parse(monkeypatch):
    parse_args = argparse.ArgumentParser.parse_args

    def parse_and_stop(self, *arguments):
        self.allow_abbrev = False  # the README spells flags out
        parse_args(self, *arguments)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)


def check(command):
    """Raises SystemExit(2), with a line of argparse's, for a command that its tool does not take."""
    tool, *arguments = (word for word in shlex.split(command, comments=True) if word != "&")
    assert tool in find_tools()
    try:
        main([tool, *arguments])
    except Parsed:
        pass
    except SystemExit as stopped:  # a flag such as --list-losses does its work while it is parsed
        if stopped.code:
            raise


@pytest.mark.parametrize("command", dict.fromkeys(commands(README.read_text(encoding="utf-8"))))
def test_commands_in_the_readme(command, only_parse):
    check(command)


def test_all_kinds_of_commands_are_found():
    text = """
`insightrec` runs one (`insightrec face2rec --root ...`), or `a
wrapped insightrec train`, or insightrec in prose, and `import insightrec.train`.
```
$ insightrec train --network r100
  ROLE=worker insightrec train --kvstore dist_sync &    # on one machine
wrote insightrec.txt
```
"""
    assert sorted(commands(text)) == [
        "face2rec --root ...",
        "train",
        "train --kvstore dist_sync &    # on one machine",
        "train --network r100",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "face2rec --root aligned --no-such-flag",
        "face2rec --roo aligned",
        "pairs2bin --kind no-such-kind",
        "train --gpus",
    ],
)
def test_what_a_tool_does_not_take_is_found(command, only_parse, capsys):
    with pytest.raises(SystemExit) as stopped:
        check(command)
    assert stopped.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_a_tool_that_is_not_there_is_found(only_parse):
    with pytest.raises(AssertionError):
        check("no_such_tool --root aligned")
