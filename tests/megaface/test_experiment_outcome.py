"""Ranks and accept rates against loops over the whole score matrix."""

import numpy as np
import pytest

from insightrec.eval.tar_at_far import tar_at_far
from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.experiment_outcome import devkit_curves, experiment_outcome
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.traditional_galleries import draw_galleries

FARS = (1e-3, 1e-4, 1e-5, 1e-6)


class Rows:
    """A source in memory."""

    def __init__(self, values):
        self.values = values

    def take(self, indices):
        return self.values[indices]


@pytest.fixture(scope="module", params=["ties", "faces"])
def made(request):
    """(ids, probe x distractor scores, probe x probe scores, outcome)."""
    random = np.random.default_rng(11)
    ids = [f"p{number % 15}" for number in range(140)]
    if request.param == "ties":
        probes, distractors = (random.integers(-1, 2, (count, 12)).astype(np.float32) for count in (140, 900))
    else:
        centers = {name: random.standard_normal(32) for name in sorted(set(ids))}
        probes = np.array([centers[name] + 0.9 * random.standard_normal(32) for name in ids], np.float32)
        distractors = random.standard_normal((900, 32)).astype(np.float32)
    probe_set = ProbeSet(probes, ids)
    counts = BlockCounts(probe_set, 900)
    counts.add(probe_set, distractors, 0)
    features = scorable(probes)
    scores, own = score_matrix(features, scorable(distractors)), score_matrix(features, features)
    return ids, scores, own, experiment_outcome(probe_set, counts, Rows(distractors))


def test_ranks(made):
    ids, scores, own, outcome = made
    expected = [
        int((scores[i] > own[i, j]).sum()) for i in range(140) for j in range(140) if i != j and ids[i] == ids[j]
    ]
    np.testing.assert_array_equal(outcome.ranks, expected)


def test_ranks_of_the_traditional_cmc(made):
    """A search is ranked by its own distractors, or in the devkit by those of the probe of its number in the trial."""
    ids, scores, own, outcome = made
    subjects = [[i for i in range(140) if ids[i] == name] for name in sorted(set(ids))]
    expected, devkit = [], []
    for gallery, probes in draw_galleries([np.array(images) for images in subjects]):
        for position, probe in enumerate(probes):
            order = sorted(gallery, key=lambda image, probe=probe: (-own[probe, image], -image))
            ahead = next(place for place, image in enumerate(order) if ids[image] == ids[probe])
            score = own[probe, order[ahead]]
            expected.append(ahead + int((scores[probe] > score).sum()))
            devkit.append(ahead + int((scores[position] > score).sum()))
    np.testing.assert_array_equal(outcome.own_ranks, expected)
    np.testing.assert_array_equal(outcome.traditional_ranks, devkit)


def test_accept_rates(made):
    ids, scores, own, outcome = made
    positive = [own[i, j] for i in range(140) for j in range(i + 1, 140) if ids[i] == ids[j]]
    for found, rows in ((outcome.first_hundred, 100), (outcome.all_probes, 140)):
        distance = -np.concatenate([positive, scores[:rows].ravel()])
        is_same = np.arange(len(distance)) < len(positive)
        for point, expected in zip(found, tar_at_far(distance, is_same, FARS)):
            assert (point.tar, point.false_accepts, point.true_accepts) == (
                expected.tar,
                expected.false_accepts,
                expected.true_accepts,
            )
            assert point.threshold == -expected.threshold
            assert (point.negatives, point.positives) == (rows * 900, len(positive))
            assert point.resolvable == expected.resolvable


def test_curves_end_where_they_must(made):
    curves = devkit_curves(made[-1])
    assert curves["cmc"][0][0] == 0
    assert (curves["cmc"][0][-1], curves["cmc"][1][-1]) == (900, 1.0)
    assert curves["traditional_cmc"][0][-1] == 15 + 900 - 1
    assert (curves["roc"][0][-1], curves["roc"][1][-1]) == (1.0, 1.0)
