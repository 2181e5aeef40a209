import numpy as np

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.match_table import match_table
from insightrec.megaface.probe_set import ProbeSet


def test_hand_made():
    """On a line: probes at 0, 2 and 9, distractors at 1, 3, 5; image 2 has no mate."""
    probes = ProbeSet(np.float32([[0], [2], [9]]), ["a", "a", "b"])
    counts = BlockCounts(probes, 3)
    counts.add(probes, np.float32([[1], [3], [5]]), 0)
    assert match_table(probes, counts.beaten_by(probes, probes.pair_threshold), counts.top) == [
        # the pair scores -4: of image 1's distractors two score higher, of image 0's one
        {"distractors": {"idx": [0, 1, 2], "score": [-1.0, -9.0, -25.0]}, "probes": {"idx": [1], "rank": [2]}},
        {"distractors": {"idx": [1, 0, 2], "score": [-1.0, -1.0, -9.0]}, "probes": {"idx": [0], "rank": [1]}},
        {"distractors": {"idx": [2, 1, 0], "score": [-16.0, -36.0, -64.0]}, "probes": None},
    ]


def test_five_of_many():
    probes = ProbeSet(np.float32([[0], [2]]), ["a", "a"])
    counts = BlockCounts(probes, 9)
    counts.add(probes, np.arange(9, dtype=np.float32)[:, None], 0)
    entry = match_table(probes, counts.beaten_by(probes, probes.pair_threshold), counts.top)[0]
    assert entry["distractors"] == {"idx": [0, 1, 2, 3, 4], "score": [0.0, -1.0, -4.0, -9.0, -16.0]}
