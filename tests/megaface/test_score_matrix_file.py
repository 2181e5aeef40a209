"""Matrices are written in blocks of columns and read as one."""

import numpy as np
import pytest

from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.feature_file import read_matrix
from insightrec.megaface.score_matrix_file import write_score_matrix
from insightrec.recordio_tools.errors import FeatureError


@pytest.mark.parametrize("block", [1, 7, 50])
def test_blocks_of_columns(tmp_path, block):
    random = np.random.default_rng(0)
    probes, values = (random.standard_normal((count, 9)).astype(np.float32) for count in (11, 50))
    path = tmp_path / "other" / "m.bin"
    write_score_matrix(path, scorable(probes), 50, (values[start : start + block] for start in range(0, 50, block)))
    expected = score_matrix(scorable(probes), scorable(values))
    np.testing.assert_array_equal(read_matrix(path), expected)
    assert path.read_bytes()[16:] == expected.tobytes()


def test_an_error_leaves_the_old_file(tmp_path):
    probes = np.ones((2, 3), np.float32)
    write_score_matrix(tmp_path / "m.bin", scorable(probes), 2, [probes])
    before = (tmp_path / "m.bin").read_bytes()
    with pytest.raises(FeatureError, match="^m.bin: features from column 1: row 0"):
        write_score_matrix(tmp_path / "m.bin", scorable(probes), 2, [probes[:1], probes[:1] * np.nan])
    assert [path.name for path in tmp_path.iterdir()] == ["m.bin"]
    assert (tmp_path / "m.bin").read_bytes() == before
