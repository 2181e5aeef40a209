"""The rows of a step: all positives, others at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

class_shard = pytest.importorskip("insightrec.train.losses.class_shard", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), max_size=80))),
    st.floats(0.01, 1),
    st.integers(0, 5),
)
def test_positives_are_always_in_and_the_count_is_the_rate(rows_and_positives, rate, seed):
    num_rows, positives = rows_and_positives
    positives = np.array(positives, np.int64)
    rows = class_shard.sampled_rows(num_rows, positives, rate, np.random.default_rng(seed))
    assert len(rows) == max(int(np.ceil(rate * num_rows)), len(set(positives)))
    assert (np.diff(rows) > 0).all()
    assert set(positives) <= set(rows) <= set(range(num_rows))
    again = class_shard.sampled_rows(num_rows, positives[::-1], rate, np.random.default_rng(seed))
    assert (again == rows).all()


def test_other_rows_are_drawn_evenly():
    draw = np.random.default_rng(0)
    drawn = np.concatenate([class_shard.sampled_rows(20, np.array([3]), 0.25, draw) for _ in range(4000)])
    share = np.bincount(drawn, minlength=20) / 4000
    assert share[3] == 1
    np.testing.assert_allclose(np.delete(share, 3), 4 / 19, atol=0.03)
