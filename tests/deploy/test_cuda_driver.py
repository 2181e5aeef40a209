import pytest

from insightrec.deploy import cuda_driver
from insightrec.deploy.cuda_driver import CudaMissing, Gpu, open_driver, visible_gpus


class StubDriver:
    """``libcuda.so.1`` of the given GPUs, with device handles that are not their numbers."""

    def __init__(self, gpus, init_status=0, name_status=0):
        self._gpus = {number + 7: gpu for number, gpu in enumerate(gpus)}
        self._init_status, self._name_status = init_status, name_status

    def cuInit(self, flags):
        return self._init_status

    def cuDeviceGetCount(self, count):
        count._obj.value = len(self._gpus)
        return 0

    def cuDeviceGet(self, device, number):
        device._obj.value = number + 7
        return 0

    def cuDeviceGetName(self, name, size, device):
        name.value = self._gpus[device].name.encode()
        return self._name_status

    def cuDeviceGetAttribute(self, answer, attribute, device):
        answer._obj.value = self._gpus[device].capability[{75: 0, 76: 1}[attribute]]
        return 0


@pytest.fixture
def install(monkeypatch):
    return lambda *args, **options: monkeypatch.setattr(
        cuda_driver, "CDLL", lambda name, mode: {"libcuda.so.1": StubDriver(*args, **options)}[name]
    )


def test_gpus_in_order_with_name_and_capability(install):
    gpus = [Gpu("Tesla V100", (7, 0)), Gpu("NVIDIA GeForce RTX 3090", (8, 6))]
    install(gpus)
    assert visible_gpus() == gpus


def test_hidden_gpus_are_no_error(install):
    install([], init_status=100)
    assert visible_gpus() == []


@pytest.mark.parametrize(
    ("options", "call"), [({"init_status": 803}, "cuInit"), ({"name_status": 101}, "cuDeviceGetName")]
)
def test_a_driver_that_fails_names_the_call_and_its_error(install, options, call):
    install([Gpu("Tesla V100", (7, 0))], **options)
    with pytest.raises(
        CudaMissing, match=rf"^NVIDIA's driver fails: {call} returned CUDA error {max(options.values())};"
    ):
        visible_gpus()


def test_no_driver(monkeypatch):
    def load(name, mode):
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(cuda_driver, "CDLL", load)
    for ask in (open_driver, visible_gpus):
        with pytest.raises(CudaMissing, match=r"driver cannot be loaded \(libcuda\.so\.1: cannot open .*\); install"):
            ask()
