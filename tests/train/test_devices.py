import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from insightrec.deploy import mxnet_gpus
from insightrec.deploy.cuda_driver import Gpu
from insightrec.deploy.mxnet_import import MXNetMissing
from insightrec.recordio_tools.errors import InputError
from insightrec.train import devices
from insightrec.train.devices import check_dtype, find_devices

V100, H100 = Gpu("Tesla V100", (7, 0)), Gpu("NVIDIA H100", (9, 0))


@pytest.fixture
def install(monkeypatch):
    """Install MXNet's CUDA build over the given GPUs, or its CPU build."""

    def installed(*gpus, cuda=True):
        features = SimpleNamespace(is_enabled={"CUDA": cuda}.get)
        module = SimpleNamespace(
            runtime=SimpleNamespace(Features=lambda: features),
            gpu=lambda number: f"gpu({number})",
            cpu=lambda number: f"cpu({number})",
        )
        monkeypatch.setattr(devices, "import_mxnet", lambda: module)
        monkeypatch.setattr(mxnet_gpus, "visible_gpus", lambda: list(gpus))

    return installed


def test_named_gpus_in_the_order_given(install):
    install(V100, H100, V100)
    assert find_devices("2, 0", 1, {}) == ["gpu(2)", "gpu(0)"]
    assert find_devices("0", 1, {"CUDA_VISIBLE_DEVICES": "5,6,7"}) == ["gpu(0)"]


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        ("2", "GPU 2: the driver shows 2"),
        ("1", "GPU 1 \\(NVIDIA H100\\) has compute capability 9.0"),
        ("0,0", "--gpus 0,0: a GPU is named twice"),
        ("", "--gpus '': expected GPU numbers such as 0,1"),
        ("0,", "--gpus '0,': expected"),
        ("-1", "--gpus '-1': expected"),
        ("all", "--gpus 'all': expected"),
    ],
)
def test_gpus_that_cannot_be_had(install, gpus, message):
    install(V100, H100)
    with pytest.raises(InputError, match=f"^{message}"):
        find_devices(gpus, 1, {})


def test_gpus_asked_of_the_cpu_build(install):
    install(V100, cuda=False)
    with pytest.raises(InputError, match="^GPU 0: this MXNet is the CPU build"):
        find_devices("0", 1, {})


def test_gpus_and_several_cpus_contradict(install):
    install(V100)
    with pytest.raises(InputError, match="^--gpus 0 --cpus 2: "):
        find_devices("0", 2, {})


def test_no_driver(monkeypatch):
    def fail():
        raise MXNetMissing("mxnet-cu112 cannot be imported: no driver")

    monkeypatch.setattr(devices, "import_mxnet", fail)
    with pytest.raises(InputError, match="no driver"):
        find_devices("0", 1, {})


def test_the_environment_names_all_its_gpus(install):
    install(V100, V100)
    assert find_devices(None, 1, {"CUDA_VISIBLE_DEVICES": "4,5"}) == ["gpu(0)", "gpu(1)"]


def test_a_gpu_of_the_environment_that_mxnet_has_no_code_for(install):
    install(V100, H100)
    with pytest.raises(InputError, match="^GPU 1 \\(NVIDIA H100\\) has compute capability 9.0"):
        find_devices(None, 1, {"CUDA_VISIBLE_DEVICES": "0,1"})


@pytest.mark.parametrize("environ", [{}, {"CUDA_VISIBLE_DEVICES": ""}])
@pytest.mark.parametrize("cuda", [True, False])
def test_the_cpu_where_no_gpu_is_named(install, recwarn, environ, cuda):
    install(V100, cuda=cuda)
    assert find_devices(None, 1, environ) == ["cpu(0)"]
    assert not recwarn


@pytest.mark.parametrize(
    ("cuda", "reason"), [(True, "the driver shows no such GPU"), (False, "this MXNet is the CPU build")]
)
def test_a_gpu_of_the_environment_that_is_not_there_is_one_warning(install, cuda, reason):
    install(cuda=cuda)
    with pytest.warns(UserWarning, match=f"CUDA_VISIBLE_DEVICES is -1, but {reason}; training runs on the CPU") as told:
        assert find_devices(None, 1, {"CUDA_VISIBLE_DEVICES": "-1"}) == ["cpu(0)"]
    assert len(told) == 1


def test_several_cpus_stand_in_for_gpus(install, recwarn):
    install(V100)
    assert find_devices(None, 3, {"CUDA_VISIBLE_DEVICES": "0"}) == ["cpu(0)", "cpu(1)", "cpu(2)"]
    assert not recwarn


@pytest.mark.mxnet
def test_contexts_of_mxnet_and_their_dtypes(mx):
    found = find_devices(None, 2, {})
    assert found == [mx.cpu(0), mx.cpu(1)]
    check_dtype("float32", found)
    check_dtype("float16", [mx.gpu(0), mx.gpu(1)])
    for contexts in (found, [mx.gpu(0), mx.cpu(0)]):
        with pytest.raises(InputError, match="^float16 on a CPU: MXNet has no float16 matrix product there"):
            check_dtype("float16", contexts)


HOPPER = """
#include <string.h>
int cuInit(unsigned flags) { return flags; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "NVIDIA H100 80GB HBM3", size); return device; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { *value = attribute == 75 ? 9 : 0; return device; }
"""
MXNET = """
from types import SimpleNamespace
runtime = SimpleNamespace(Features=lambda: SimpleNamespace(is_enabled=lambda name: name == "CUDA"))
"""
TOOL = """
import os
from insightrec.recordio_tools.command_line import tool
from insightrec.train.devices import find_devices

@tool
def main(argv=None):
    find_devices("0", 1, os.environ)

main()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libcuda.so.1 is the driver's name on Linux")
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the stub driver with")
def test_a_hopper_gpu_is_refused_by_its_driver_s_word_before_mxnet_is_asked(tmp_path):
    for name, text in (("driver.c", HOPPER), ("mxnet.py", MXNET), ("some_tool.py", TOOL)):
        (tmp_path / name).write_text(text)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "libcuda.so.1", "driver.c"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "some_tool.py"],
        cwd=tmp_path,
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "some_tool: error: GPU 0 (NVIDIA H100 80GB HBM3) has compute capability 9.0, and MXNet 1.9.1 holds "
    )
    assert done.stderr.count("\n") == 1
