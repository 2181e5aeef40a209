"""Checkpoints: a model in InsightFace's files, and beside it all that resuming needs.

``prefix-symbol.json``, shared by all checkpoints of a prefix, and ``prefix-0001.params`` are what MXNet writes, byte
for byte. ``prefix-0001.state`` is a state file (`state_file`) with the training's state and arrays, the graph, the
time, and the SHA-256 of the parameters that it belongs to.

A checkpoint is two files, and no file system renames two at once. So one rename, that of ``.params``, makes it valid:
the new state is written before, as ``prefix-0001.next.state``, beside the files of a checkpoint that is there already;
then the parameters take their name; then the state takes its own. At every moment one of the two state files names the
parameters. The graph may be replaced at another moment, so the state holds it as well.
"""

import hashlib
import os
import re
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from insightrec.deploy.params_file import read_params, write_params
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import ModelError, OutputError
from insightrec.train.state_file import read_state, read_state_json, write_state

CONTENT = {"written": float, "params_sha256": str, "symbol": str, "state": dict}  # of a state's JSON


@dataclass
class Checkpoint:
    """A model and the state of its training.

    Attributes:
        params: full name (``arg:NAME``, ``aux:NAME``) to array, in the order of the file.
        symbol_json: the graph, as MXNet's ``Symbol.tojson`` gives it.
        state: step, positions and the like, of JSON types.
        arrays: name to array of float, int or bool: momentum and the like.
        written: when, seconds since 1970; of one that was read.
    """

    params: dict
    symbol_json: str
    state: dict = field(default_factory=dict)
    arrays: dict = field(default_factory=dict)
    written: float = 0.0


def write_checkpoint(prefix, index, checkpoint):
    """Write checkpoint ``index`` of ``prefix``; one of that number is replaced.

    Killed at any moment, it leaves the checkpoint that was there or the new one, whole.

    Raises:
        OutputError: a file cannot be written.
    """
    files = _Files(prefix, index)
    if files.next_state.exists() and files.own_state() == files.next_state:  # killed before the last rename
        os.replace(files.next_state, files.state)
    if not _holds(files.symbol, checkpoint.symbol_json):
        with atomic_write(files.symbol, overwrite=True) as file:
            file.write(checkpoint.symbol_json.encode())
    content = {
        "written": time.time(),
        "params_sha256": _digest(checkpoint.params),
        "symbol": checkpoint.symbol_json,
        "state": checkpoint.state,
    }
    write_state(files.next_state, content, checkpoint.arrays)
    write_params(files.params, checkpoint.params, overwrite=True)
    os.replace(files.next_state, files.state)


def read_checkpoint(prefix, index):
    """Read checkpoint ``index`` of ``prefix``.

    Raises:
        ModelError: a file is missing or damaged, or no state belongs to the parameters.
    """
    files = _Files(prefix, index)
    params = read_params(files.params).arrays
    own = files.state_of(_digest(params))
    if own is None:
        found = "that of other parameters" if files.state.exists() else "none"
        raise ModelError(
            f"{files.state}: expected the training state of {files.params.name}, found {found}; resume from another "
            f"checkpoint, or start a new training with --pretrained {prefix},{index}"
        )
    content, arrays = read_state(own)
    return Checkpoint(params, content["symbol"], content["state"], arrays, content["written"])


def newest_checkpoint(prefix):
    """Number of the checkpoint that was written last and has a state, or None where there is none.

    It need not be the highest: ``--ckpt 3`` writes number 1 again and again.

    Raises:
        ModelError: all state files are damaged; of some, a warning says so and they are passed over.
    """
    states = {index: _Files(prefix, index).own_state() for index in _indices(prefix)}
    written, damage = [], None
    for index, state in states.items():
        try:
            if state:
                written.append((_read_content(state)["written"], index))
        except ModelError as error:
            damage = error
            warnings.warn(f"{error}; it is passed over", stacklevel=2)
    if damage and not written:
        raise damage
    return max(written)[1] if written else None


def has_models(prefix):
    """Whether there are parameters under ``prefix``, with or without a state."""
    return bool(_indices(prefix))


def check_prefix(prefix, *, existing="refuse"):
    """Make the folder of ``prefix`` and make sure, before any training, that checkpoints can be written there.

    Args:
        prefix: path and start of the names; without a folder it is the current one.
        existing: what to do with checkpoints that are there: "refuse", "keep" (to resume), or "remove".

    Raises:
        OutputError: the prefix names a folder, cannot be written, or has checkpoints and they are refused.
    """
    name = os.path.basename(prefix)
    if name in ("", ".", ".."):
        raise OutputError(f"--prefix {prefix}: expected a folder and the start of a name, such as model/model")
    folder = Path(prefix).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{name}-symbol.json."):
            pass
    except OSError as error:
        raise OutputError(f"--prefix {prefix}: cannot be written ({error.strerror}); choose another prefix") from None
    indices = _indices(prefix)
    if indices and existing == "refuse":
        raise OutputError(
            f"--prefix {prefix}: has checkpoints, the last is number {indices[-1]}; choose another prefix, or give "
            f"--resume or --overwrite"
        )
    if existing == "remove":
        for index in indices:
            _Files(prefix, index).remove()


class _Files:
    """The paths of one checkpoint."""

    def __init__(self, prefix, index):
        self.symbol = Path(f"{prefix}-symbol.json")
        self.params = Path(f"{prefix}-{index:04d}.params")
        self.state = Path(f"{prefix}-{index:04d}.state")
        self.next_state = Path(f"{prefix}-{index:04d}.next.state")

    def own_state(self):
        """The state file that belongs to the parameters, or None.

        The parameters, which may be large, are looked at only where a killed run left two states to choose from.
        """
        if self.next_state.exists() and self.params.exists():
            return self.state_of(_digest(read_params(self.params).arrays))
        return self.state if self.state.exists() else None

    def state_of(self, digest):
        """The state file that belongs to parameters of this digest, or None."""
        for path in (self.state, self.next_state):
            if path.exists() and _read_content(path)["params_sha256"] == digest:
                return path
        return None

    def remove(self):
        for path in (self.params, self.state, self.next_state):
            path.unlink(missing_ok=True)


def _read_content(state):
    content = read_state_json(state)
    for key, kind in CONTENT.items():
        if not isinstance(content.get(key), kind):
            raise ModelError(f"{state}: state.json: expected a {kind.__name__} {key!r}, found {content.get(key)!r:.60}")
    return content


def _indices(prefix):
    """Increasing numbers of the ``.params`` files of ``prefix``."""
    pattern = re.compile(re.escape(os.path.basename(prefix)) + r"-([0-9]{4,9})\.params")
    folder = Path(prefix).parent
    matches = map(pattern.fullmatch, os.listdir(folder) if folder.is_dir() else ())
    return sorted(int(match[1]) for match in matches if match)


def _holds(path, text):
    return path.is_file() and path.read_bytes() == text.encode()


def _digest(arrays):
    """Hex SHA-256 of named arrays: names, types, shapes and elements."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        array = np.asarray(array)
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name}\n{array.dtype.name}\n{array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
