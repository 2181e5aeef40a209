"""An embedder on the GPU where there is one, else on the CPU: what ``--gpu`` means to every tool."""

import warnings

import onnxruntime

from insightrec.deploy.embedder import Embedder
from insightrec.deploy.onnx_network import CUDA
from insightrec.recordio_tools.errors import InputError, ModelError

GPU_HELP = (
    "index of the GPU, -1 the CPU (default: 0 where ONNX Runtime has CUDA, else -1); where the GPU cannot be used the "
    "CPU is, with a warning"
)


def open_embedder(model, *, gpu=None, **options):
    """Open an `Embedder`, on the CPU with a warning where ``gpu`` cannot be used.

    Args:
        model: as `Embedder` takes it.
        gpu: number of the GPU, -1 for the CPU; None takes GPU 0 where ONNX Runtime is built for CUDA.
        options: further arguments of `Embedder`.

    Raises:
        InputError: the model cannot be opened on the CPU either.
    """
    if gpu is None:
        gpu = 0 if CUDA in onnxruntime.get_available_providers() else -1
    try:
        return Embedder(model, gpu=gpu, **options)
    except ModelError:
        raise
    except InputError as reason:
        if gpu < 0:
            raise
        warnings.warn(f"running on the CPU ({reason})", stacklevel=2)
        return Embedder(model, gpu=-1, **options)
