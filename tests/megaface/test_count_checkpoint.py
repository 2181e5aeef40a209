"""A checkpoint gives back what was counted, and only to the run that wrote it."""

import numpy as np
import pytest

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.count_checkpoint import fingerprint, load_checkpoint, save_checkpoint
from insightrec.megaface.probe_set import ProbeSet
from insightrec.recordio_tools.errors import OutputError


class Stamped:
    """A source of which only the stamp is looked at."""

    def __init__(self, stamp):
        self.stamp = lambda: stamp


@pytest.fixture
def counted():
    random = np.random.default_rng(0)
    probes, distractors = (random.standard_normal((count, 8)).astype(np.float32) for count in (12, 300))
    probe_set = ProbeSet(probes, list("aabbccddeeff"))
    counts = BlockCounts(probe_set, 300)
    counts.add(probe_set, distractors[:50], 0)
    counts.add(probe_set, distractors[90:120], 90)
    return probe_set, counts


def test_there_and_back(counted, tmp_path):
    probe_set, counts = counted
    save_checkpoint(tmp_path / "c.npz", counts, "mark")
    again = load_checkpoint(tmp_path / "c.npz", probe_set, "mark")
    assert again.columns == [(0, 50), (90, 120)]
    for name, array in counts.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)
    save_checkpoint(tmp_path / "c.npz", again, "mark")  # replaces


def test_of_another_run(counted, tmp_path):
    probe_set, counts = counted
    save_checkpoint(tmp_path / "c.npz", counts, "mark")
    with pytest.raises(OutputError, match="c.npz: expected counts of these lists, features and mode, found others'"):
        load_checkpoint(tmp_path / "c.npz", probe_set, "other")


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_damaged(counted, tmp_path, keep):
    probe_set, counts = counted
    save_checkpoint(tmp_path / "c.npz", counts, "mark")
    data = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(data[:keep])
    with pytest.raises(OutputError, match="c.npz: expected the counts of an unfinished run, found a damaged file"):
        load_checkpoint(tmp_path / "c.npz", probe_set, "mark")


def test_pickles_are_refused(counted, tmp_path):
    np.savez(tmp_path / "c.npz", mark=np.array(["mark", None], object))
    with pytest.raises(OutputError, match="damaged file"):
        load_checkpoint(tmp_path / "c.npz", counted[0], "mark")


def test_fingerprint():
    first = fingerprint("p", Stamped("a"), 1000, {"mode": "exact"})
    assert first == fingerprint("p", Stamped("a"), 1000, {"mode": "exact"})
    others = [
        fingerprint("q", Stamped("a"), 1000, {"mode": "exact"}),
        fingerprint("p", Stamped("b"), 1000, {"mode": "exact"}),
        fingerprint("p", Stamped("a"), 999, {"mode": "exact"}),
        fingerprint("p", Stamped("a"), 1000, {"mode": "fast"}),
    ]
    assert len({first, *others}) == 5
