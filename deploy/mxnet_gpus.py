"""The GPUs that MXNet can compute on, known before its first call on one.

MXNet itself would end in the middle of that call: ``mxnet-cu112`` 1.9.1 holds machine code for compute
capability 5.0, 6.0, 7.0, 8.0 and 8.6 and no PTX, from which a driver would make code for later GPUs.
"""

from insightrec.deploy.cuda_driver import visible_gpus
from insightrec.recordio_tools.errors import InputError

# Machine code runs on its own major number, from its minor number up.
OLDEST_MAJOR, NEWEST_MAJOR = 5, 8


def count_gpus(mx):
    """The number of GPUs that the driver shows to this ``mxnet`` module; 0 in its CPU build."""
    return len(visible_gpus()) if has_cuda(mx) else 0


def has_cuda(mx):
    """Whether this ``mxnet`` module is a CUDA build."""
    return mx.runtime.Features().is_enabled("CUDA")


def gpu_context(mx, number):
    """``mx.gpu(number)``, checked.

    Args:
        mx: the ``mxnet`` module (`import_mxnet`).
        number: 0 for the first of the GPUs that CUDA_VISIBLE_DEVICES shows.

    Raises:
        InputError: MXNet's CPU build, no such GPU, or a GPU that MXNet has no machine code for.
    """
    if not has_cuda(mx):
        raise InputError(
            f"GPU {number}: this MXNet is the CPU build; use the CPU, or run: pip install 'insightrec[cu112]' "
            "in a fresh environment (the two builds share one folder)"
        )
    gpus = visible_gpus()
    if not 0 <= number < len(gpus):
        raise InputError(
            f"GPU {number}: the driver shows {len(gpus)}, numbered from 0; see nvidia-smi and CUDA_VISIBLE_DEVICES"
        )
    name, (major, minor) = gpus[number]
    if not OLDEST_MAJOR <= major <= NEWEST_MAJOR:
        raise InputError(
            f"GPU {number} ({name}) has compute capability {major}.{minor}, and MXNet 1.9.1 holds machine code for "
            f"{OLDEST_MAJOR}.x to {NEWEST_MAJOR}.x only; train on the CPU or on another GPU (verification and "
            "deployment run on this one through ONNX Runtime)"
        )
    return mx.gpu(number)
