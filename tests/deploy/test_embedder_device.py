"""Which device an embedder is opened on."""

import pytest

from insightrec.deploy import embedder_device as module
from insightrec.deploy.embedder_device import open_embedder
from insightrec.recordio_tools.errors import InputError, ModelError


def test_no_gpu_means_the_cpu_and_one_warning(monkeypatch):
    asked = []

    class NoGpu:
        def __init__(self, model, *, gpu, **options):
            asked.append((gpu, options))
            if gpu >= 0:
                raise InputError("gpu 0: no CUDA")

    monkeypatch.setattr(module, "Embedder", NoGpu)
    with pytest.warns(UserWarning, match=r"running on the CPU \(gpu 0: no CUDA\)"):
        open_embedder("model", gpu=0, batch_size=4)
    assert asked == [(0, {"batch_size": 4}), (-1, {"batch_size": 4})]


@pytest.mark.parametrize(("providers", "gpu"), [(["CPUExecutionProvider"], -1), (["CUDAExecutionProvider"], 0)])
def test_by_default_a_gpu_is_taken_where_there_is_one(monkeypatch, providers, gpu):
    asked = []
    monkeypatch.setattr(module, "Embedder", lambda model, gpu, **options: asked.append(gpu))
    monkeypatch.setattr(module.onnxruntime, "get_available_providers", lambda: providers)
    open_embedder("model")
    assert asked == [gpu]


@pytest.mark.parametrize(("error", "gpu"), [(ModelError("damaged"), 0), (InputError("no MXNet"), -1)])
def test_other_errors_are_not_taken_for_a_missing_gpu(monkeypatch, error, gpu):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(module, "Embedder", fail)
    with pytest.raises(type(error)):
        open_embedder("model", gpu=gpu)
