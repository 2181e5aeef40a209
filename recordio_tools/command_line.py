"""The frame every command-line tool shares: bad input is one line on standard error and status 2."""

import argparse
import functools
import math
import os
import sys
import warnings
from pathlib import Path

from insightrec.recordio_tools.errors import InputError

INPUT_STATUS = 2  # what argparse exits with on bad usage, so that bad input reads the same
INTERRUPT_STATUS = 130  # 128 + SIGINT, the shell's convention
PIPE_STATUS = 141  # 128 + SIGPIPE: work that was cut off is no success


def tool(main):
    """Decorate a tool's ``main(argv=None)`` so that bad input never ends in a traceback.

    `InputError` and `OSError` become one line, ``<tool>: error: <message>``, and ``SystemExit(2)``;
    an interrupt becomes a line and ``SystemExit(130)``; a closed output pipe ends quietly. Warnings
    are one line each too.
    """
    name = Path(main.__code__.co_filename).stem

    @functools.wraps(main)
    def run(argv=None):
        for closed in {"stdout", "stderr"} - {name for name in ("stdout", "stderr") if getattr(sys, name)}:
            setattr(sys, closed, open(os.devnull, "w"))  # noqa: SIM115 (a daemon's; it stays open)
        for stream in (sys.stdout, sys.stderr):  # a file name may hold bytes that the terminal cannot show
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _say(name, "warning", message)
            try:
                return main(argv)
            except BrokenPipeError:
                # Python flushes standard output once more at exit; point it where that cannot fail.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise SystemExit(PIPE_STATUS) from None
            except (InputError, OSError) as error:
                _say(name, "error", error)
                raise SystemExit(INPUT_STATUS) from None
            except KeyboardInterrupt:
                _say(name, "interrupted", "finished files are kept, the one being written was discarded")
                raise SystemExit(INTERRUPT_STATUS) from None

    return run


def image_size(text):
    """argparse type of ``height,width`` in pixels: a tuple of two ints."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 2 or min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"expected height,width in pixels such as 112,112, found {text!r}")
    return numbers


def whole_number(lowest, highest=None):
    """An argparse type: a whole number of ``lowest`` to ``highest`` (None: any above)."""

    def whole(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < lowest or (highest is not None and number > highest):
            limits = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
            raise argparse.ArgumentTypeError(f"expected a whole number, {limits}, found {text!r}")
        return number

    return whole


def number_between(lowest, highest, *, below=False):
    """An argparse type: a float of ``lowest`` to ``highest``, or with ``below`` to less than that."""

    def number(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (lowest <= value < highest if below else lowest <= value <= highest):  # nor NaN
            limits = f"{lowest:g} to {'below ' * below}{highest:g}"
            raise argparse.ArgumentTypeError(f"expected a number, {limits}, found {text!r}")
        return value

    return number


def add_on_error(parser, item):
    """Add ``--on-error raise|skip``, the policy for a damaged ``item``."""
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help=f"stop at an {item} that cannot be used, or leave it out and list it at the end (default: raise)",
    )


def list_skipped(errors, item):
    """Print the items that were left out, one line each, to standard error."""
    if errors:
        print(f"left out: {len(errors)} {item}{'s' * (len(errors) != 1)}", file=sys.stderr)
        for error in errors:
            print(f"  {error}", file=sys.stderr)


def _say(name, kind, message):
    if isinstance(message, OSError) and message.strerror:
        message = f"{message.filename}: {message.strerror}" if message.filename else message.strerror
    print(f"{name}: {kind}: {' '.join(str(message).split())}", file=sys.stderr)
