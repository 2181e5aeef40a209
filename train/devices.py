"""Where training runs: GPUs that are named, or the CPU."""

import warnings

from insightrec.deploy.mxnet_gpus import count_gpus, gpu_context, has_cuda
from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError


def find_devices(gpus, cpus, environ):
    """The MXNet contexts to train on, at least one, GPUs in the order given.

    Args:
        gpus: ``--gpus``, numbers such as ``"0,1"`` counted as CUDA_VISIBLE_DEVICES shows them; or None.
        cpus: contexts of the CPU where no GPU is named; more than 1 stand in for GPUs in a test.
        environ: the environment. Without ``gpus`` and with 1 ``cpus``, CUDA_VISIBLE_DEVICES names the GPUs; where
            it is set and MXNet has none, a warning says so.

    Raises:
        InputError: MXNet cannot be imported, or a GPU that is asked for is not there or has no machine code
            in MXNet.
    """
    mx = import_mxnet()
    if gpus is not None:
        if cpus > 1:
            raise InputError(f"--gpus {gpus} --cpus {cpus}: train on GPUs or on the CPU; leave out one of the two")
        return [gpu_context(mx, number) for number in _numbers(gpus)]
    named = environ.get("CUDA_VISIBLE_DEVICES")
    if named and cpus == 1:
        count = count_gpus(mx)
        if count:
            return [gpu_context(mx, number) for number in range(count)]
        reason = "the driver shows no such GPU" if has_cuda(mx) else "this MXNet is the CPU build"
        warnings.warn(f"CUDA_VISIBLE_DEVICES is {named}, but {reason}; training runs on the CPU", stacklevel=2)
    return [mx.cpu(number) for number in range(cpus)]


def check_dtype(dtype, devices):
    """Refuse a dtype that one of the contexts cannot compute in.

    Raises:
        InputError: ``"float16"`` on a CPU.
    """
    if dtype == "float16" and any(device.device_type == "cpu" for device in devices):
        raise InputError("float16 on a CPU: MXNet has no float16 matrix product there; use float32, or train on GPUs")


def _numbers(gpus):
    parts = [part.strip() for part in gpus.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"--gpus {gpus!r}: expected GPU numbers such as 0,1")
    numbers = [int(part) for part in parts]
    if len(set(numbers)) < len(numbers):
        raise InputError(f"--gpus {gpus}: a GPU is named twice; name each one once")
    return numbers
