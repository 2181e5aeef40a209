import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from insightrec.deploy import mxnet_import
from insightrec.deploy.cuda_driver import CudaMissing
from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet
from insightrec.recordio_tools.errors import InputError


@pytest.fixture
def install(monkeypatch):
    """Make the named distributions the installed ones, and MXNet one that is not imported yet."""

    def installed(*names):
        def distribution(name):
            if name not in names:
                raise PackageNotFoundError(name)

        monkeypatch.setattr(mxnet_import, "distribution", distribution)
        monkeypatch.setattr(mxnet_import.importlib, "import_module", lambda name: f"module {name}")
        monkeypatch.delitem(sys.modules, "mxnet", raising=False)

    return installed


@pytest.mark.parametrize(("names", "preloads"), [((), 0), (("mxnet",), 0), (("mxnet-cu112",), 1)])
def test_the_libraries_are_loaded_for_the_cuda_build_only(install, monkeypatch, names, preloads):
    calls = []
    monkeypatch.setattr(mxnet_import, "preload_cuda_libraries", lambda: calls.append(1))
    install(*names)
    assert import_mxnet() == "module mxnet"
    assert len(calls) == preloads


def test_an_mxnet_that_is_imported_already_is_not_prepared_again(install, monkeypatch):
    monkeypatch.setattr(mxnet_import, "preload_cuda_libraries", lambda: pytest.fail("loaded again"))
    install("mxnet-cu112")
    monkeypatch.setitem(sys.modules, "mxnet", "module mxnet")
    assert import_mxnet() == "module mxnet"


def test_the_cuda_build_without_a_driver_says_so_and_names_the_cpu_build(install, monkeypatch):
    def fail():
        raise CudaMissing("NVIDIA's driver cannot be loaded (libcuda.so.1); install it")

    monkeypatch.setattr(mxnet_import, "preload_cuda_libraries", fail)
    install("mxnet-cu112")
    with pytest.raises(MXNetMissing, match=r"^mxnet-cu112 .* driver .*libcuda\.so\.1.*pip install 'insightrec\[cpu\]'"):
        import_mxnet()


def test_both_builds_in_one_folder(install):
    install("mxnet", "mxnet-cu112")
    with pytest.raises(MXNetMissing, match=r"^mxnet and mxnet-cu112 are both installed .* fresh environment"):
        import_mxnet()


@pytest.mark.parametrize(
    ("names", "advice"),
    [((), "insightrec[cpu]"), (("mxnet",), "insightrec[cpu]"), (("mxnet-cu112",), "insightrec[cu112]")],
)
def test_an_import_that_fails_names_the_extra_of_its_build(install, monkeypatch, names, advice):
    def fail(name):
        raise ImportError("numpy.core is not what it was")

    install(*names)
    monkeypatch.setattr(mxnet_import, "preload_cuda_libraries", lambda: None)
    monkeypatch.setattr(mxnet_import.importlib, "import_module", fail)
    monkeypatch.setattr(mxnet_import.sys, "version_info", (3, 11, 0))
    monkeypatch.setattr(mxnet_import.sys, "platform", "linux")
    monkeypatch.setattr(mxnet_import.platform, "machine", lambda: "x86_64")
    with pytest.raises(MXNetMissing, match=r"^MXNet cannot be imported \(numpy\.core is not what it was\)") as error:
        import_mxnet()
    assert f"run: pip install '{advice}'" in str(error.value)


def test_missing_mxnet_is_bad_input_and_a_missing_module():
    assert issubclass(MXNetMissing, InputError)
    assert issubclass(MXNetMissing, ModuleNotFoundError)


@pytest.mark.mxnet
def test_numpy_s_bool_and_the_subgraph_setting_stand_before_the_import(mx):
    script = (
        "import os, numpy; from insightrec.deploy.mxnet_import import import_mxnet; mx = import_mxnet(); "
        "print(mx.__version__, os.environ['MXNET_SUBGRAPH_BACKEND'], numpy.__dict__['bool'] is bool)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [mx.__version__, "NONE", "True"]
