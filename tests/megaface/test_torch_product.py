"""PyTorch's products, on its CPU; no GPU is needed, and none is tested here."""

import numpy as np
import pytest

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.probe_set import ProbeSet
from insightrec.megaface.torch_product import _check_precision, matrix_product, torch_product
from insightrec.recordio_tools.errors import InputError


def test_the_processor_has_numpys_product():
    assert matrix_product("cpu") is np.matmul


def test_without_a_gpu_or_torch_one_line_says_so():
    try:
        import torch
    except ImportError:
        torch = None
    if torch is not None and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match="use --device cpu$"):
        matrix_product("cuda")


def test_counts_are_the_same():
    pytest.importorskip("torch")
    random = np.random.default_rng(3)
    probes, distractors = (random.integers(-2, 3, (count, 200)).astype(np.float32) for count in (60, 900))
    product = torch_product("cpu")
    found = []
    for multiply in (np.matmul, product):
        probe_set = ProbeSet(probes, [f"p{number // 6}" for number in range(60)], product=multiply)
        counts = BlockCounts(probe_set, 900)
        counts.add(probe_set, distractors, 0, product=multiply)
        found.append(counts.to_arrays())
    for name in ("histogram", "positive_histogram", "top_scores", "top_columns"):
        np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)


def test_products_of_lower_precision_are_refused(monkeypatch):
    def like_tf32(left, right, out):
        left = (left.view(np.uint32) & 0xFFFFE000).view(np.float32)  # 10 bits after the point
        np.matmul(left, right, out=out)

    _check_precision(np.matmul, "cpu")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    with pytest.raises(InputError, match="cuda: expected products in float32, .*; unset NVIDIA_TF32_OVERRIDE, or use"):
        _check_precision(like_tf32, "cuda")
