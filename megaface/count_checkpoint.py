"""What an unfinished run has counted, on disk, with a fingerprint of what it counts."""

import hashlib
import json
import zipfile

import numpy as np

from insightrec.megaface.block_counts import BlockCounts
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import InputError, OutputError

FORMAT = 1  # raised when counts of an older program cannot be continued
_SAMPLE = 64  # distractors whose features are part of the fingerprint


def fingerprint(probe_values, source, distractors, facts):
    """What decides the results: hex SHA-256 of the probes' features, of a sample of the distractors', and of facts.

    Args:
        probe_values: float32 (N, d).
        source: the distractors' features. distractors: how many of them, the first, are used.
        facts: JSON value: the lists' hashes, the mode.
    """
    digest = hashlib.sha256(json.dumps([FORMAT, distractors, facts], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(probe_values).data)
    digest.update(source.take(np.unique(np.linspace(0, distractors - 1, _SAMPLE).astype(np.int64))).data)
    return digest.hexdigest()


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
