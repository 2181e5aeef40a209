"""Matrix products on a GPU by PyTorch, in float32 as `score_bound` assumes it.

The tests run it on PyTorch's CPU; on a GPU it has not been run. Its precision is looked at once, when it is made.
"""

import os

import numpy as np

from insightrec.recordio_tools.errors import InputError, one_line

DEVICES = ("cpu", "cuda")


def matrix_product(device):
    """The product for `BlockCounts.add` on one of `DEVICES`: NumPy's, or that of `torch_product`.

    Raises:
        InputError: PyTorch or a GPU that it can use is missing, or its products are not float32's.
    """
    return np.matmul if device == "cpu" else torch_product(device)


def torch_product(device):
    """A function product(a, b, out=c) of float32 arrays that computes on a device of PyTorch.

    Raises:
        InputError: as `matrix_product`.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"PyTorch cannot be imported ({one_line(error)}); install torch, or use --device cpu"
        ) from None
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(f"PyTorch {torch.__version__} finds no GPU; install its CUDA build, or use --device cpu")
    torch.set_float32_matmul_precision("highest")  # no TF32, no bfloat16

    def product(left, right, out):
        left, right = (torch.from_numpy(side).to(device) for side in (left, right))
        torch.from_numpy(out).copy_(left @ right)

    _check_precision(product, device)
    return product


def _check_precision(product, device):
    """A switch outside this program can still lower the precision: look."""
    left = np.random.default_rng(0).random((512, 128), np.float32)
    right = np.zeros((128, 2048), np.float32)
    columns = np.arange(2048)
    right[columns % 128, columns] = 1  # picks columns of the left side, which float32 does exactly
    out = np.empty((512, 2048), np.float32)
    product(left, right, out=out)
    if not np.array_equal(out, left[:, columns % 128]):
        switches = [name for name in ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE") if name in os.environ]
        raise InputError(
            f"{device}: expected products in float32, found a lower precision; "
            f"unset {' and '.join(switches) or 'TF32'}, or use --device cpu"
        )
