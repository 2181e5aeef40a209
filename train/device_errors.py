"""What goes wrong in MXNet itself, most often memory, as one line."""

import contextlib

from insightrec.deploy.mxnet_import import import_mxnet, mxnet_reason
from insightrec.recordio_tools.errors import InputError

mx = import_mxnet()

MEMORY = ("out of memory", "allocation failed", "bad_alloc")  # in the text of what MXNet raises
SMALLER = "lower --per-batch-size, or take a smaller network or fewer classes a device"


@contextlib.contextmanager
def readable_device_errors():
    """Turn MXNet's errors, which are pages of its own stack, and failed allocations into an `InputError`."""
    try:
        yield
    except MemoryError as error:
        raise InputError(f"out of memory ({error}); {SMALLER}") from None
    except mx.MXNetError as error:
        is_memory = any(sign in str(error).lower() for sign in MEMORY)
        raise InputError(f"MXNet failed: {mxnet_reason(error)}" + f"; {SMALLER}" * is_memory) from None
