"""What an unfinished run has counted, on disk, with a fingerprint of what it counts."""

import hashlib
import json
import zipfile

import numpy as np

from insightrec.megaface.block_counts import BlockCounts
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import InputError, OutputError

FORMAT = 2  # raised when counts of an older program cannot be continued


def fingerprint(probes, source, distractors, facts):
    """What decides the results: hex SHA-256 of the probes' features, of the distractors' stamp, and of facts.

    Args:
        probes: SHA-256 of their features, str.
        source: the distractors' features; its ``stamp()`` changes when any of their files does.
        distractors: how many of them, the first, are used.
        facts: JSON value: the lists' hashes, the mode.
    """
    values = [FORMAT, probes, distractors, source.stamp(), facts]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def save_checkpoint(path, counts, mark):
    """Write `BlockCounts`, replacing what an earlier moment had; ``mark`` is the `fingerprint` of the run."""
    with atomic_write(path, overwrite=True) as file:
        np.savez(file, mark=np.array(mark), **counts.to_arrays())


def load_checkpoint(path, probe_set, mark):
    """The `BlockCounts` that `save_checkpoint` wrote.

    Raises:
        OutputError: the file is damaged, or of another run.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        found = str(arrays.pop("mark"))
        counts = BlockCounts.from_arrays(probe_set, arrays) if found == mark else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, InputError) as error:
        raise OutputError(
            f"{path}: expected the counts of an unfinished run, found a damaged file ({error}); give --overwrite"
        ) from None
    if counts is None:
        raise OutputError(f"{path}: expected counts of these lists, features and mode, found others'; give --overwrite")
    return counts
