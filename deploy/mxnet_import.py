"""The one door to MXNet: everything that importing MXNet 1.9.1 needs on a current machine.

MXNet is retired; its last release asks for names that NumPy has dropped, for a setting that must stand before
the import on some released models, and in its CUDA build for libraries that are in memory already. Whoever
needs MXNet calls `import_mxnet`.
"""

import importlib
import os
import platform
import sys
import warnings
from importlib.metadata import PackageNotFoundError, distribution

from insightrec.deploy.cuda_driver import CudaMissing
from insightrec.deploy.cuda_libraries import preload_cuda_libraries
from insightrec.recordio_tools.errors import InputError

NEWEST_PYTHON = (3, 12)
EXTRAS = {"mxnet": "insightrec[cpu]", "mxnet-cu112": "insightrec[cu112]"}  # what installs which build


class MXNetMissing(InputError, ModuleNotFoundError):
    """MXNet is not installed, or cannot be imported here."""


def import_mxnet():
    """Return the ``mxnet`` module.

    Raises:
        MXNetMissing: it is not installed or fails to import, or its CUDA build finds no driver or lacks a
            library; the message says why and what to do.
    """
    import numpy as np

    if "bool" not in np.__dict__:
        np.bool = bool  # MXNet 1.9.1 uses it at import and later; NumPy 1.24 dropped it
    # With the default MKL-DNN subgraph the second forward of the released MobileFaceNet fails.
    os.environ.setdefault("MXNET_SUBGRAPH_BACKEND", "NONE")
    build = _installed_build()
    if build == "mxnet-cu112" and "mxnet" not in sys.modules:
        _preload()
    try:
        with warnings.catch_warnings():
            # The pkg_resources that MXNet imports looks at what an editable install has put on the path.
            warnings.filterwarnings("ignore", message="Module insightrec was already imported")
            return importlib.import_module("mxnet")
    except ModuleNotFoundError as error:
        raise MXNetMissing(f"MXNet cannot be imported ({error}); {_advice(build, error.name)}") from None
    except (ImportError, AttributeError, OSError) as error:
        raise MXNetMissing(
            f"MXNet cannot be imported ({error}); NumPy is {np.__version__}; {_advice(build, '')}"
        ) from None


def mxnet_reason(error):
    """The line of an ``MXNetError`` that says what is wrong, at most 300 characters; MXNet's own stack comes before."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__


def _installed_build():
    """The distribution that ``mxnet`` comes from, ``"mxnet"`` where none is known."""
    found = [build for build in EXTRAS if _is_installed(build)]
    if len(found) > 1:
        raise MXNetMissing(
            f"{' and '.join(found)} are both installed and share one folder, so that each is half of the other; "
            "start a fresh environment and run: " + " or ".join(f"pip install '{EXTRAS[build]}'" for build in found)
        )
    return found[0] if found else "mxnet"


def _is_installed(build):
    try:
        distribution(build)
    except PackageNotFoundError:
        return False
    return True


def _preload():
    try:
        preload_cuda_libraries()
    except CudaMissing as error:
        raise MXNetMissing(
            f"mxnet-cu112 cannot be imported: {error}, or train on the CPU: pip install '{EXTRAS['mxnet']}' in a fresh "
            "environment (mxnet and mxnet-cu112 share one folder)"
        ) from None


def _advice(build, missing):
    if sys.version_info[:2] > NEWEST_PYTHON:
        return f"MXNet 1.9.1 runs on Python 3.12 and older, this is {platform.python_version()}"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"MXNet 1.9.1 has wheels for x86-64 Linux, this is {platform.machine()} {sys.platform}"
    if missing == "distutils":
        return "Python 3.12 needs: pip install setuptools"
    return f"run: pip install '{EXTRAS[build]}' (it needs NumPy older than 1.27)"
