"""Which files a ``--model`` names: ``prefix,epoch``, ``prefix,e1|e2|...``, ``prefix`` or a path to an ``.onnx`` file.

MXNet keeps a model as ``prefix-symbol.json`` and, for each epoch, ``prefix-0001.params``.
"""

import re
from pathlib import Path
from typing import NamedTuple, Optional

from insightrec.recordio_tools.errors import InputError, ModelError

_WITH_EPOCHS = re.compile(r"(?P<prefix>.+),(?P<epochs>\d{1,9}(\|\d{1,9})*)", re.DOTALL)
_SLICE = re.compile(r"\d{1,9},\d{1,9}")
MOST_LISTED = 8


class ModelFiles(NamedTuple):
    """One model on disk: an ONNX file, or an MXNet graph and the parameters of one epoch."""

    graph: Path
    params: Optional[Path] = None  # None for ONNX

    @property
    def name(self):
        """The file's name without its ending: ``model-0012``, or ``arcface`` of ``arcface.onnx``."""
        return (self.params or self.graph).stem


def find_models(model, keep=None):
    """The models that ``model`` names, in order: epochs as given, or, without any, all there are, newest first.

    Args:
        model: ``prefix,epoch``, ``prefix,e1|e2|...``, ``prefix``, or a path ending in ``.onnx``.
        keep: (a, b), for a bare prefix: where there are more than b epochs, take those from place a to
            before place b, newest first (InsightFace's ``--max a,b``).

    Returns:
        list of `ModelFiles`, at least one; every file exists.

    Raises:
        ModelError: ``model`` names no file, or a file is missing; the message lists what is there instead.
    """
    if model.lower().endswith(".onnx"):
        return [ModelFiles(_existing(Path(model)))]
    with_epochs = _WITH_EPOCHS.fullmatch(model)
    prefix = Path(with_epochs["prefix"] if with_epochs else model)
    if not prefix.name:
        raise ModelError(f"model {model!r}: expected prefix,epoch, a prefix or an .onnx file, found no file name")
    symbol = _existing(prefix.with_name(f"{prefix.name}-symbol.json"))
    if with_epochs:
        epochs = [int(epoch) for epoch in with_epochs["epochs"].split("|")]
        names = [f"{prefix.name}-{epoch:04d}.params" for epoch in epochs]
        return [ModelFiles(symbol, _existing(prefix.with_name(name))) for name in names]
    stored = re.compile(re.escape(prefix.name) + r"-(\d{4,9})\.params")
    matches = filter(None, map(stored.fullmatch, _names(prefix.parent)))
    epochs = sorted(((int(match[1]), match[0]) for match in matches), reverse=True)
    if not epochs:
        raise ModelError(f"{prefix}-0000.params: no parameters of any epoch; {_what_is_there(prefix)}")
    if keep and len(epochs) > keep[1]:
        epochs = epochs[slice(*keep)]
    if not epochs:
        raise ModelError(f"{prefix}: no epoch from place {keep[0]} to before {keep[1]}; give a smaller --max")
    return [ModelFiles(symbol, prefix.parent / name) for _, name in epochs]


def find_model(model):
    """The one model that ``model`` names.

    Raises:
        ModelError: a file is missing, or there are several models.
    """
    models = find_models(model)
    if len(models) > 1:
        names = ", ".join(files.name for files in models[:MOST_LISTED])
        raise ModelError(f"{model}: expected one model, found {len(models)} ({names}); give prefix,epoch")
    return models[0]


def parse_keep(text):
    """``"a,b"`` as `find_models` takes it; None for an empty text.

    Raises:
        InputError: not two numbers.
    """
    if not text:
        return None
    if not _SLICE.fullmatch(text):
        raise InputError(f"--max {text}: expected two numbers a,b such as 0,5")
    first, last = text.split(",")
    return int(first), int(last)


def _existing(path):
    if not path.is_file():
        raise ModelError(f"{path}: no such file; {_what_is_there(path)}")
    return path


def _what_is_there(path):
    """The models beside ``path``, those that begin as it does first."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    names = [name for name in _names(path.parent) if name.endswith((".params", "-symbol.json", ".onnx"))]
    if not names:
        return f"there are no models in {path.parent}"
    start = path.name.split("-")[0]
    names.sort(key=lambda name: (not name.startswith(start), name))
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"in {path.parent} there are {', '.join(names[:MOST_LISTED])}{more}"


def _names(folder):
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
