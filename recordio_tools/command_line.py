"""The frame every command-line tool shares: bad input is one line on standard error and status 2."""

import functools
import os
import sys
from pathlib import Path

from insightrec.recordio_tools.errors import InputError

INPUT_STATUS = 2  # what argparse exits with on bad usage, so that bad input reads the same
INTERRUPT_STATUS = 130  # 128 + SIGINT, the shell's convention


def tool(main):
    """Decorate a tool's ``main(argv=None)`` so that bad input never ends in a traceback.

    `InputError` and `OSError` become one line, ``<tool>: error: <message>``, and ``SystemExit(2)``;
    an interrupt becomes a line and ``SystemExit(130)``; a closed output pipe ends quietly.
    """
    name = Path(main.__code__.co_filename).stem

    @functools.wraps(main)
    def run(argv=None):
        try:
            return main(argv)
        except BrokenPipeError:
            # Python flushes standard output once more at exit; point it where that cannot fail.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except (InputError, OSError) as error:
            _complain(name, "error", error)
            raise SystemExit(INPUT_STATUS) from None
        except KeyboardInterrupt:
            _complain(name, "interrupted", "finished files are kept; the file being written was discarded")
            raise SystemExit(INTERRUPT_STATUS) from None

    return run


def _complain(name, kind, error):
    if isinstance(error, OSError) and error.strerror:
        error = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    print(f"{name}: {kind}: {' '.join(str(error).split())}", file=sys.stderr)
