import numpy as np
import pytest

from insightrec.eval.tar_at_far import tar_at_far as tar_of_distances
from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.false_accepts import FAR_TARGETS, accepts_allowed, exact_scorer, tar_at_far
from insightrec.megaface.probe_set import ProbeSet
from insightrec.recordio_tools.errors import InputError


class Source:
    def __init__(self, values):
        self.values = values

    def take(self, indices):
        return self.values[indices]


@pytest.mark.parametrize("negatives", [1, 2, 7, 1000, 3000, 999_999, 10**6])
def test_as_many_false_accepts_as_the_rate_allows(negatives):
    for far in (*FAR_TARGETS, 0.3, 1e-2):
        allowed = accepts_allowed(far, negatives)
        assert allowed / negatives <= far
        assert allowed == negatives - 1 or (allowed + 1) / negatives > far
    assert accepts_allowed(3 / 3000, 3000) == 3


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("step", [37, 1000])
def test_equals_the_rates_of_all_distances(ties, step):
    random = np.random.default_rng(0)
    centers = random.standard_normal((30, 16))
    identities = np.repeat(np.arange(30), 5)
    probes = (centers[identities] + 0.7 * random.standard_normal((150, 16))).astype(np.float32)
    distractors = random.standard_normal((1000, 16), np.float32)
    if ties:
        probes, distractors = np.sign(probes), np.sign(distractors)
    probe_set = ProbeSet(probes, [str(identity) for identity in identities])
    counts = BlockCounts(probe_set, 1000)
    for start in range(0, 1000, step):
        counts.add(probe_set, distractors[start : start + step], start)
    scores = score_matrix(scorable(probes), scorable(distractors))
    positives = np.repeat(probe_set.positives, probe_set.positive_counts)
    for largest, negatives in ((counts.largest, scores.ravel()), (counts.roc_largest, scores[:100].ravel())):
        ours = tar_at_far(probe_set, largest, negatives.size, exact_scorer(probe_set, Source(distractors)))
        distance = -np.concatenate([positives, negatives])
        theirs = tar_of_distances(distance, np.arange(len(distance)) < len(positives), FAR_TARGETS)
        for one, other in zip(ours, theirs):
            assert one.threshold == -other.threshold
            assert vars(one) == {**vars(other), "threshold": one.threshold}


def test_a_rate_beyond_what_was_kept():
    probe_set = ProbeSet(np.random.default_rng(0).standard_normal((4, 3), np.float32), ["a"] * 4)
    counts = BlockCounts(probe_set, 5000)
    with pytest.raises(InputError, match="expected a false accept rate"):
        tar_at_far(probe_set, counts.largest, 20000, None, [0.01])
