import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.identity_ranges import (
    EXACT_FLOAT32,
    check_ranges,
    exact_boundaries,
    float32_sources,
    refuse_rounded,
    rounded_by_float32,
)


@given(st.integers(0, 1 << 27))
def test_sources_are_all_numbers_that_round_there(number):
    stored = int(np.float32(number))
    sources = float32_sources(stored)
    assert number in sources
    around = range(max(0, stored - 64), stored + 64)
    assert sources == [candidate for candidate in around if int(np.float32(candidate)) == stored]


def test_odd_numbers_above_2_24_are_rounded():
    assert rounded_by_float32([EXACT_FLOAT32 - 1, EXACT_FLOAT32, EXACT_FLOAT32 + 1, EXACT_FLOAT32 + 2]).tolist() == [
        EXACT_FLOAT32 + 1
    ]
    with pytest.raises(RecordError, match="boundary 16777217 is above 2\\^24 .*--allow-rounded-ranges"):
        refuse_rounded([EXACT_FLOAT32 + 1], "train.rec")
    refuse_rounded([17091658, 17451890], "Glint360K's header")


@given(
    st.sampled_from([EXACT_FLOAT32 - 20, EXACT_FLOAT32, 2 * EXACT_FLOAT32 - 9]), st.lists(st.integers(1, 5), min_size=1)
)
def test_boundaries_come_back_exactly(first, sizes):
    true = list(itertools.accumulate(sizes, initial=first))
    stored = np.array(true).astype(np.float32).astype(np.int64)
    assert exact_boundaries(stored, set(true).__contains__, "x.rec").tolist() == true


def test_labels_that_do_not_settle_it_are_an_error():
    with pytest.raises(RecordError, match=r"^x\.rec: .*expected 1 label changes .* found 0"):
        exact_boundaries([EXACT_FLOAT32 + 4], lambda key: False, "x.rec")


@pytest.mark.parametrize("ranges", [[[0, 2]], [[3, 2]], [[1, 12]]])
def test_ranges_outside_the_images(ranges):
    with pytest.raises(RecordError, match="within keys 1 to 10"):
        check_ranges(np.array(ranges), 10, "x.rec")
    check_ranges(np.array([[1, 5], [5, 11]]), 10, "x.rec")
