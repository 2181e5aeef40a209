"""The CUDA libraries that MXNet's CUDA build needs in memory before it is imported.

``mxnet-cu112`` holds none of them. NVIDIA's wheels put them into ``nvidia/<part>/lib``, where the system's
loader does not look; but what is in memory already it finds by name.
"""

import importlib.util
from ctypes import CDLL, RTLD_GLOBAL
from pathlib import Path

from insightrec.deploy.cuda_driver import CudaMissing, open_driver

# What libmxnet.so names, as (wheel, path in the package folder ``nvidia``); a library stands after those it needs.
# The other files of a wheel are found by these (their search path is their own folder) or are not wanted:
# libnvblas would take over the CPU's BLAS.
LIBRARIES = (
    ("nvidia-cuda-runtime-cu11", "cuda_runtime/lib/libcudart.so.11.0"),
    ("nvidia-nvtx-cu11", "nvtx/lib/libnvToolsExt.so.1"),
    ("nvidia-cuda-nvrtc-cu11", "cuda_nvrtc/lib/libnvrtc.so.11.2"),
    ("nvidia-cublas-cu11", "cublas/lib/libcublas.so.11"),
    ("nvidia-cusolver-cu11", "cusolver/lib/libcusolver.so.11"),
    ("nvidia-cufft-cu11", "cufft/lib/libcufft.so.10"),
    ("nvidia-curand-cu11", "curand/lib/libcurand.so.10"),
    ("nvidia-cudnn-cu11", "cudnn/lib/libcudnn.so.8"),
    ("nvidia-nccl-cu11", "nccl/lib/libnccl.so.2"),
)


def preload_cuda_libraries():
    """Load the driver and every library of `LIBRARIES`, from its wheel or, without it, from the system.

    Raises:
        CudaMissing: there is no driver, or a library is missing or damaged.
    """
    open_driver()
    spec = importlib.util.find_spec("nvidia")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for wheel, path in LIBRARIES:
        installed = (Path(folder, path) for folder in folders)
        library = next(filter(Path.is_file, installed), Path(path).name)
        try:
            CDLL(str(library), mode=RTLD_GLOBAL)
        except OSError as error:
            raise CudaMissing(f"no usable {wheel} ({error}); run: pip install 'insightrec[cu112]'") from None
