"""NVIDIA's driver, asked for its GPUs without CUDA's runtime and without MXNet."""

from ctypes import CDLL, RTLD_GLOBAL, byref, c_int, create_string_buffer
from typing import NamedTuple

from insightrec.recordio_tools.errors import InputError

DRIVER = "libcuda.so.1"

# Names and values of CUDA's driver API (cuda.h).
_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE: no GPU, or CUDA_VISIBLE_DEVICES hides them all
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...
_NAME_BYTES = 256


class CudaMissing(InputError):
    """NVIDIA's driver, or a CUDA library, is not there or cannot be loaded."""


class Gpu(NamedTuple):
    """A GPU: its product name and compute capability, e.g. ``("Tesla V100-SXM2-16GB", (7, 0))``."""

    name: str
    capability: tuple


def open_driver():
    """Load the driver's library.

    Raises:
        CudaMissing: it is not installed or cannot be loaded.
    """
    try:
        return CDLL(DRIVER, mode=RTLD_GLOBAL)
    except OSError as error:
        raise CudaMissing(
            f"NVIDIA's driver cannot be loaded ({error}); install the driver of this machine's GPU"
        ) from None


def visible_gpus():
    """List every `Gpu` that the driver shows, numbered as in MXNet: from 0, CUDA_VISIBLE_DEVICES applied.

    Raises:
        CudaMissing: there is no driver, or it reports an error.
    """
    driver = open_driver()
    status = driver.cuInit(0)
    if status == _NO_DEVICE:
        return []
    _check("cuInit", status)
    count = _ask_int(driver, "cuDeviceGetCount")
    return [_describe(driver, _ask_int(driver, "cuDeviceGet", number)) for number in range(count)]


def _describe(driver, device):
    name = create_string_buffer(_NAME_BYTES)
    _check("cuDeviceGetName", driver.cuDeviceGetName(name, _NAME_BYTES, device))
    major, minor = (
        _ask_int(driver, "cuDeviceGetAttribute", attribute, device)
        for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR)
    )
    return Gpu(name.value.decode(errors="replace"), (major, minor))


def _ask_int(driver, question, *arguments):
    """The answer of a driver call that writes one int through its first argument."""
    answer = c_int()
    _check(question, getattr(driver, question)(byref(answer), *arguments))
    return answer.value


def _check(question, status):
    if status:
        raise CudaMissing(f"NVIDIA's driver fails: {question} returned CUDA error {status}; see what nvidia-smi says")
