"""The one door to MXNet: everything that importing MXNet 1.9.1 needs on a current machine.

MXNet is retired; its last release asks for names that NumPy has dropped and, on some released models,
for a setting that must stand before the import. Whoever needs MXNet calls `import_mxnet`.
"""

import importlib
import os
import platform
import sys

from insightrec.recordio_tools.errors import InputError

NEWEST_PYTHON = (3, 12)


class MXNetMissing(InputError, ModuleNotFoundError):
    """MXNet is not installed, or cannot be imported here."""


def import_mxnet():
    """Return the ``mxnet`` module.

    Raises:
        MXNetMissing: it is not installed or fails to import; the message says why and what to do.
    """
    import numpy as np

    if "bool" not in np.__dict__:
        np.bool = bool  # MXNet 1.9.1 uses it at import and later; NumPy 1.24 dropped it
    # With the default MKL-DNN subgraph the second forward of the released MobileFaceNet fails.
    os.environ.setdefault("MXNET_SUBGRAPH_BACKEND", "NONE")
    try:
        return importlib.import_module("mxnet")
    except ModuleNotFoundError as error:
        raise MXNetMissing(f"MXNet cannot be imported ({error}); {_advice(error.name)}") from None
    except (ImportError, AttributeError, OSError) as error:
        raise MXNetMissing(f"MXNet cannot be imported ({error}); NumPy is {np.__version__}; {_advice('')}") from None


def _advice(missing):
    if sys.version_info[:2] > NEWEST_PYTHON:
        return f"MXNet 1.9.1 runs on Python 3.12 and older, this is {platform.python_version()}"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"MXNet 1.9.1 has wheels for x86-64 Linux, this is {platform.machine()} {sys.platform}"
    if missing == "distutils":
        return "Python 3.12 needs: pip install setuptools"
    return "run: pip install 'insightrec[cpu]' (it needs NumPy older than 1.27)"
