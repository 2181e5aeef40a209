"""A network in ONNX Runtime."""

import numpy as np
import onnxruntime

from insightrec.deploy.quick_prelu import with_quick_prelu
from insightrec.recordio_tools.errors import InputError, ModelError, one_line

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
FATAL = 4  # log severity: errors reach the caller as exceptions, no need to print them as well


class OnnxNetwork:
    """Images to embeddings: float32 (B, C, H, W) in, (B, D) of the output's float type out.

    Args:
        model: the serialized model, or the path of one, as ONNX Runtime takes it (bytes or str).
        source: what to call the model in an error.
        output: the name of the output; the first one if None.
        threads: threads of one operator; None leaves the choice to ONNX Runtime (all cores).
        gpu: number of the CUDA device, -1 for the CPU.

    Attributes:
        input_shape: (B, C, H, W) as the model declares it, None where it takes any size.

    Raises:
        ModelError: ONNX Runtime cannot load the model, it has no such output or one that is no float tensor,
            or its input is not one float32 tensor of four dimensions.
        InputError: ``gpu`` is asked for where ONNX Runtime has no working CUDA.
    """

    def __init__(self, model, source, *, output=None, threads=None, gpu=-1):
        self.source = source
        self._session = open_session(model, source, threads=threads, gpu=gpu)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            found = ", ".join(f"{item.name} {item.type} {item.shape}" for item in inputs)
            raise ModelError(f"{source}: expected one input, tensor(float) of (B, C, H, W), found {found or 'none'}")
        self._input = inputs[0].name
        self.input_shape = tuple(size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape)
        types = {item.name: item.type for item in self._session.get_outputs()}
        if output is not None and output not in types:
            raise ModelError(f"{source}: no output {output!r}; it has: {', '.join(types)}")
        self._output = next(iter(types)) if output is None else output
        found = types[self._output]
        if found not in FLOATS:
            raise ModelError(f"{source}: output {self._output!r}: expected one of {', '.join(FLOATS)}, found {found}")

    def __call__(self, batch):
        """Raises `ModelError` where the network does not take this shape, or gives no embedding for it."""
        try:
            (embeddings,) = self._session.run([self._output], {self._input: batch})
        except Exception as error:  # ONNX Runtime's exceptions share no other base
            raise ModelError(f"{self.source}: fails on an input of shape {batch.shape}: {one_line(error)}") from None
        if np.shape(embeddings)[:1] != batch.shape[:1] or not np.size(embeddings):
            place = f"{self.source}: output {self._output!r}"
            raise ModelError(
                f"{place}: expected {len(batch)} rows of 1 or more numbers, found shape {np.shape(embeddings)}"
            )
        return embeddings.reshape(len(batch), -1)


def open_session(model, source, *, threads=None, gpu=-1):
    """An ``onnxruntime.InferenceSession``; arguments, and what it raises, as of `OnnxNetwork`."""
    if gpu < 0:
        model = with_quick_prelu(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = FATAL
    providers = [CPU]
    if gpu >= 0:
        if CUDA not in onnxruntime.get_available_providers():
            raise InputError(f"gpu {gpu}: this ONNX Runtime has no CUDA; install onnxruntime-gpu, or use gpu -1")
        providers = [(CUDA, {"device_id": gpu}), CPU]
    try:
        # Falling back from the CPU to the CPU would print lines and fail once more.
        session = onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=int(gpu >= 0))
        for value in (*session.get_inputs(), *session.get_outputs()):
            str(value)  # a name that is not UTF-8 fails here and not where it is used
    except Exception as error:
        raise ModelError(f"{source}: ONNX Runtime cannot load it: {one_line(error)}") from None
    if gpu >= 0 and CUDA not in session.get_providers():  # it falls back to the CPU in silence
        raise InputError(f"gpu {gpu}: ONNX Runtime cannot start CUDA there; check the driver, or use gpu -1")
    return session
