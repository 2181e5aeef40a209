from types import SimpleNamespace

import pytest

from insightrec.deploy import mxnet_gpus
from insightrec.deploy.cuda_driver import Gpu
from insightrec.deploy.mxnet_gpus import count_gpus, gpu_context, has_cuda
from insightrec.recordio_tools.errors import InputError


def build(cuda):
    """What stands for the ``mxnet`` module: its CUDA or its CPU build."""
    features = SimpleNamespace(is_enabled=lambda name: {"CUDA": cuda}[name])
    return SimpleNamespace(runtime=SimpleNamespace(Features=lambda: features), gpu=lambda number: f"gpu({number})")


@pytest.fixture
def install(monkeypatch):
    return lambda *gpus: monkeypatch.setattr(mxnet_gpus, "visible_gpus", lambda: list(gpus))


@pytest.mark.parametrize("capability", [(5, 0), (5, 2), (6, 1), (7, 0), (7, 5), (8, 0), (8, 6), (8, 9)])
def test_a_gpu_that_mxnet_has_code_for(install, capability):
    install(Gpu("first", (9, 0)), Gpu("second", capability))
    assert gpu_context(build(cuda=True), 1) == "gpu(1)"


@pytest.mark.parametrize("capability", [(3, 7), (9, 0), (10, 0), (12, 0)])
def test_a_gpu_older_or_newer_than_mxnet_s_code(install, capability):
    install(Gpu("NVIDIA H100", capability))
    major, minor = capability
    says = rf"^GPU 0 \(NVIDIA H100\) has compute capability {major}\.{minor}, and .* 5\.x to 8\.x only; train on"
    with pytest.raises(InputError, match=says):
        gpu_context(build(cuda=True), 0)


@pytest.mark.parametrize("number", [-1, 2])
def test_no_such_gpu(install, number):
    install(Gpu("a", (7, 0)), Gpu("b", (7, 0)))
    with pytest.raises(InputError, match=rf"^GPU {number}: the driver shows 2, numbered from 0;"):
        gpu_context(build(cuda=True), number)


def test_the_cpu_build_asks_no_driver(monkeypatch):
    monkeypatch.setattr(mxnet_gpus, "visible_gpus", lambda: pytest.fail("asked the driver"))
    with pytest.raises(InputError, match=r"^GPU 0: this MXNet is the CPU build; .* 'insightrec\[cu112\]'"):
        gpu_context(build(cuda=False), 0)
    assert count_gpus(build(cuda=False)) == 0


def test_count(install):
    install(Gpu("a", (7, 0)), Gpu("b", (9, 0)))
    assert count_gpus(build(cuda=True)) == 2


@pytest.mark.mxnet
def test_mxnet_itself_says_whether_it_has_cuda(mx):
    assert has_cuda(mx) == any(feature.name == "CUDA" and feature.enabled for feature in mx.runtime.feature_list())
