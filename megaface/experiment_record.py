"""The record of a finished experiment: what it was made from, and the files that it wrote.

By it a later run knows whether they are still that. It stands beside the results, as these have the same bytes wherever
features of the same values came from.
"""

import hashlib
import json

from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.file_stamp import file_stamp

_MOST_BYTES = 1 << 16  # a record has less than a thousand


def record_bytes(mark, probes, contents, scores):
    """The record as JSON.

    Args:
        mark: `count_checkpoint.fingerprint`. probes: that of the probes alone.
        contents: dict name -> bytes, of the result files.
        scores: where the score matrix of these features is, if the run wrote it.
    """
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return _to_bytes({"fingerprint": mark, "probes": probes, "sha256": hashes, "score_matrix": file_stamp(scores)})


def with_scores(record, scores):
    """A record, as `read_record` gives it, with another score matrix: bytes."""
    return _to_bytes({**record, "score_matrix": file_stamp(scores)})


def read_record(path):
    """The record, a dict; None where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("sha256"), dict) else None


def is_as_written(record, path):
    """Whether a result file has the bytes that the record says."""
    return path.is_file() and record["sha256"].get(path.name) == sha256(path)


def has_scores(record, path):
    """Whether ``path`` is the score matrix that the record says, by size and time: it may have many GB."""
    return path.is_file() and record.get("score_matrix") == file_stamp(path)


def _to_bytes(record):
    return json.dumps(record, indent=2, sort_keys=True).encode("ascii") + b"\n"
