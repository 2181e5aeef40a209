"""Whatever the block size and the number of workers, and wherever a run was cut off, the counts are the same."""

import numpy as np
import pytest

from insightrec.megaface import distractor_count
from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.distractor_count import CountJob, count_distractors
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.thread_engine import ThreadEngine
from insightrec.recordio_tools.errors import FeatureError

DISTRACTORS = 1500


class Rows:
    """A source in memory."""

    def __init__(self, values):
        self.values = values

    def read(self, start, stop):
        return self.values[start:stop]


def draw():
    """Features of 130 probes and of the distractors, with many ties."""
    random = np.random.default_rng(1)
    return [random.integers(-2, 3, (count, 20)).astype(np.float32) for count in (130, DISTRACTORS)]


@pytest.fixture(scope="module")
def made():
    probes, distractors = draw()
    probe_set = ProbeSet(probes, [f"p{number % 17}" for number in range(130)])
    return CountJob(probe_set, Rows(distractors), DISTRACTORS, np.matmul, True)


def count(job, workers=1, block=100, counts=None):
    counts = BlockCounts(job.probe_set, job.distractors) if counts is None else counts
    with ThreadEngine(workers) as engine:
        assert sum(count_distractors(engine, job, counts, block)) <= job.distractors
    assert counts.complete
    return counts


def assert_same(found, expected):
    for name in ("histogram", "positive_histogram"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(found.top.scores, expected.top.scores)
    np.testing.assert_array_equal(found.top.columns, expected.top.columns)
    for name in ("largest", "roc_largest"):
        negatives = [getattr(counts, name) for counts in (found, expected)]
        for rank in range(1, negatives[0].most + 1):
            assert negatives[0].order_statistic(rank, exact_scores) == negatives[1].order_statistic(rank, exact_scores)


def exact_scores(probes, columns):
    """Of `made`; whole numbers have no roundings."""
    first, second = draw()
    return -((first[probes] - second[columns]) ** 2).sum(axis=1)


@pytest.mark.parametrize(("workers", "block"), [(1, 11), (1, 1500), (1, 4000), (2, 100), (5, 37)])
def test_workers_and_blocks_change_nothing(made, workers, block):
    block_by_block = BlockCounts(made.probe_set, DISTRACTORS)
    block_by_block.add(made.probe_set, made.source.values, 0)
    assert_same(count(made, workers, block), block_by_block)


def test_what_was_seen_is_not_counted_again(made, monkeypatch):
    counts = BlockCounts(made.probe_set, DISTRACTORS)
    for start, stop in ((0, 40), (300, 555)):
        counts.add(made.probe_set, made.source.read(start, stop), start)
    spans = []
    count_block = distractor_count.count_block

    def recorded(job, start, stop, limits):
        spans.append((start, stop))
        return count_block(job, start, stop, limits)

    monkeypatch.setattr(distractor_count, "count_block", recorded)
    count(made, 1, 200, counts)
    assert spans == [(40, 240), (240, 300), (555, 755), (755, 955), (955, 1155), (1155, 1355), (1355, 1500)]
    assert_same(counts, count(made))


def test_a_longer_list_counts_as_far_as_the_size(made):
    first = made._replace(distractors=900)
    assert_same(count(first), count(first._replace(source=Rows(made.source.values[:900]))))


def test_limits_are_handed_on(made, monkeypatch):
    """A later block keeps only what the earlier ones leave a chance."""
    kept = []
    count_block = distractor_count.count_block

    def recorded(*args):
        counts = count_block(*args)
        kept.append(len(counts.largest.entries))
        return counts

    monkeypatch.setattr(distractor_count, "count_block", recorded)
    random = np.random.default_rng(2)
    values = random.standard_normal((DISTRACTORS, 20)).astype(np.float32)
    count(made._replace(source=Rows(values)), 1, 100)
    assert kept[0] == BlockCounts(made.probe_set, DISTRACTORS).largest.most
    assert max(kept[5:]) < kept[0] / 2


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_a_block_arrive(made, workers):
    values = made.source.values.copy()
    values[777] = 1e30
    with pytest.raises(FeatureError, match="row 77: .* \\(1 such rows\\)"):
        count(made._replace(source=Rows(values)), workers)
