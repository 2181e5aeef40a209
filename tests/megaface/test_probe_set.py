import pickle

import numpy as np
import pytest

from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.probe_set import ProbeSet
from insightrec.recordio_tools.errors import FeatureError, InputError

IDS = ["b", "a", "b", "Z", "b", "é", "a", "é"]  # byte order: Z, a, b, é


def values(count=8, dimension=6):
    return np.random.default_rng(0).standard_normal((count, dimension), np.float32)


@pytest.fixture(scope="module")
def probes():
    return ProbeSet(values(), IDS)


def test_people_in_byte_order(probes):
    assert [images.tolist() for images in probes.subjects] == [[3], [1, 6], [0, 2, 4], [5, 7]]


def test_pairs_and_their_scores(probes):
    pairs = [(i, j) for i in range(8) for j in range(8) if i != j and IDS[i] == IDS[j]]
    assert list(zip(probes.first.tolist(), probes.second.tolist())) == pairs
    matrix = score_matrix(probes.scorable.features, probes.scorable.features)
    assert np.array_equal(probes.pair_scores, [matrix[pair] for pair in pairs])
    assert np.array_equal(probes.pair_index(probes.first, probes.second), np.arange(len(pairs)))
    assert probes.second[probes.pairs_of(4)].tolist() == [0, 2]
    assert probes.second[probes.pairs_of(3)].tolist() == []
    expected = sorted(matrix[i, j] for i, j in pairs if i < j)
    assert np.repeat(probes.positives, probes.positive_counts).tolist() == expected


def test_thresholds_hold_every_score_once(probes):
    rows = [[] for _ in range(8)]
    for first, score, index in zip(probes.first, probes.pair_scores, probes.pair_threshold):
        rows[first].append(score)
        assert probes.thresholds[index] == score
        assert probes.offsets[first] <= index < probes.offsets[first + 1]
    for position, score, index in zip(probes.placings.position, probes.placing_scores, probes.placing_threshold):
        rows[position].append(score)
        assert probes.thresholds[index] == score
        assert probes.offsets[position] <= index < probes.offsets[position + 1]
    for row, (start, stop) in enumerate(zip(probes.offsets[:-1], probes.offsets[1:])):
        assert probes.thresholds[start:stop].tolist() == sorted(set(rows[row]))
    own = probes.thresholds[probes.own_placing_threshold]
    assert np.array_equal(own, probes.placing_scores)


def test_placings(probes):
    placings = probes.placings
    assert len(placings.probe) == 10 * (8 - 4)
    assert placings.position.tolist() == [0, 1, 2, 3] * 10
    assert all(IDS[probe] == IDS[mate] and probe != mate for probe, mate in zip(placings.probe, placings.mate))


def test_can_be_sent_to_another_process(probes):
    copy = pickle.loads(pickle.dumps(probes))
    assert len(copy) == 8
    assert np.array_equal(copy.thresholds, probes.thresholds)


def test_first_hundred():
    assert ProbeSet(values(120), ["x"] * 120).roc_probes == 100
    assert ProbeSet(values(), IDS).roc_probes == 8


def test_nobody_with_two_images():
    with pytest.raises(InputError, match="expected a person with two images or more, found 3 ids that all differ"):
        ProbeSet(values(3), ["a", "b", "c"])


def test_one_id_for_each():
    with pytest.raises(InputError, match="expected an id for each of 8 probes, found 7"):
        ProbeSet(values(), IDS[:-1])


def test_damaged_features():
    damaged = values()
    damaged[2, 1] = np.nan
    with pytest.raises(FeatureError, match="probes: row 2"):
        ProbeSet(damaged, IDS)
