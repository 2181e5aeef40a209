import argparse
import subprocess
import sys
import warnings

import pytest

from insightrec.recordio_tools.command_line import (
    add_on_error,
    image_size,
    list_skipped,
    number_between,
    tool,
    whole_number,
)
from insightrec.recordio_tools.errors import ImageError, RecordError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RecordError("x.rec: byte 4:\n broken"), "x.rec: byte 4: broken"),
        (FileNotFoundError(2, "No such file or directory", "a/b"), "a/b: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, error, line):
    @tool
    def main(argv=None):
        raise error

    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"test_command_line: error: {line}\n"


def test_interrupt_and_warning(capsys):
    @tool
    def main(argv=None):
        warnings.warn("odd", stacklevel=1)
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err.startswith("test_command_line: warning: odd\ntest_command_line: interrupted: ")


def test_a_bug_keeps_its_traceback():
    @tool
    def main(argv=None):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


def test_a_closed_pipe_ends_quietly():
    code = "from insightrec.recordio_tools.insightrec_command import main\nfor _ in range(9999): main([])"
    child = subprocess.run(
        f"{sys.executable} -c '{code}' | head -1", shell=True, capture_output=True, text=True, timeout=120
    )
    assert child.stdout.startswith("usage: insightrec")
    assert child.stderr == ""


def test_image_size():
    assert image_size("112,96") == (112, 96)


@pytest.mark.parametrize("text", ["", "a", "112", "0,112", "112,-1", "1,2,3", "112x112"])
def test_image_size_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected height,width in pixels"):
        image_size(text)


def test_error_policy(capsys):
    parser = argparse.ArgumentParser()
    add_on_error(parser, "image")
    assert parser.parse_args([]).on_error == "raise"
    list_skipped([], "image")
    list_skipped([ImageError("a.jpg: cut")], "image")
    assert capsys.readouterr().err == "left out: 1 image\n  a.jpg: cut\n"


def test_whole_number():
    assert whole_number(0, 9)("9") == 9
    assert whole_number(1)("1000") == 1000
    for text in ("-1", "10", "x", "1.0", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number, 0 to 9, found"):
            whole_number(0, 9)(text)
    with pytest.raises(argparse.ArgumentTypeError, match="1 or more, found '0'"):
        whole_number(1)("0")


@pytest.mark.parametrize("text", ["-0.001", "1.001", "nan", "inf", "", "x"])
def test_numbers_out_of_range(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a number, 0 to 1, found"):
        number_between(0, 1)(text)


def test_numbers_at_the_limits():
    assert [number_between(-1, 1)(text) for text in ("-1", "1", "1e-3")] == [-1, 1, 0.001]
    assert number_between(0, 1, below=True)("0.9999") == 0.9999
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a number, 0 to below 1, found '1'"):
        number_between(0, 1, below=True)("1")
