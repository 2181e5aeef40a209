"""When, of which source and on what a timing was taken: the columns that make a table's row worth keeping."""

import datetime
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from insightrec.deploy.processor_name import processor_name


def timing_origin(packages):
    """Date, commit, processor, version of Python and of each of ``packages`` ("-" where not installed): dict of str."""
    return {
        "date": datetime.date.today().isoformat(),
        "commit": source_commit(),
        "processor": processor_name(),
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


def source_commit():
    """The commit of this source, with ``+`` where files other than tables of results differ from it.

    Where the source lies in no git checkout of its own, as when it is installed, ``insightrec`` and its version.
    """
    if not _git("ls-files", "--", "."):  # another project's checkout may be around an installation
        return f"insightrec {_version('insightrec')}"
    changed = _git("status", "--porcelain", "--", ":/", ":(top,exclude)benchmarks/results")
    return _git("rev-parse", "--short", "HEAD") + "+" * bool(changed)


def _git(*arguments):
    """What git prints, run in this folder; nothing where it fails or is not installed."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"
