"""A local Ray of two workers; without Ray, one line says what to install."""

import importlib.util

import numpy as np
import pytest

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.distractor_count import CountJob, count_distractors
from insightrec.megaface.feature_source import PackedFeatures
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.ray_engine import RayEngine
from insightrec.megaface.thread_engine import ThreadEngine
from insightrec.recordio_tools.errors import FeatureError, InputError

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray():
    with pytest.raises(InputError, match=r"Ray cannot be imported .*; pip install 'insightrec\[ray\]'"):
        RayEngine(2)


@pytest.fixture
def job(tmp_path):
    random = np.random.default_rng(5)
    probes, distractors = (random.integers(-2, 3, (count, 16)).astype(np.float32) for count in (110, 700))
    write_store(tmp_path / "store", [distractors], [f"{number}.jpg" for number in range(700)], 16)
    probe_set = ProbeSet(probes, [f"p{number % 12}" for number in range(110)])
    return CountJob(probe_set, PackedFeatures(tmp_path / "store"), 700, np.matmul, True)


@needs_ray
def test_two_workers_give_the_same_counts_and_errors(job):
    found = []
    with RayEngine(2) as engine, ThreadEngine(1) as threads:
        for each in (engine, threads):
            counts = BlockCounts(job.probe_set, 700)
            assert sum(count_distractors(each, job, counts, 64)) == 700
            found.append(counts.to_arrays())
        for name in ("histogram", "positive_histogram", "top_scores", "top_columns"):
            np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)
        values = job.source.read(0, 700)
        values[3] = 1e30
        wrong = job._replace(source=Values(values))
        with pytest.raises(FeatureError, match="^distractors from column 0: row 3: "):
            list(count_distractors(engine, wrong, BlockCounts(job.probe_set, 700), 64))


class Values:
    """A source in memory."""

    def __init__(self, values):
        self.values = values

    def read(self, start, stop):
        return self.values[start:stop]
