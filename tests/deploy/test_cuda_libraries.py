from pathlib import Path

import pytest

from insightrec.deploy import cuda_libraries
from insightrec.deploy.cuda_driver import CudaMissing
from insightrec.deploy.cuda_libraries import LIBRARIES, preload_cuda_libraries

SETUP = Path(__file__).parents[2] / "setup.py"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A ``site-packages`` with an empty file for every library of the wheels."""
    for _, path in LIBRARIES:
        file = tmp_path / "nvidia" / path
        file.parent.mkdir(parents=True)
        file.touch()
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path / "elsewhere"), str(tmp_path / "nvidia")]})
    monkeypatch.setattr(cuda_libraries.importlib.util, "find_spec", {"nvidia": spec}.get)
    return tmp_path / "nvidia"


@pytest.fixture
def loaded(monkeypatch):
    """The names that are loaded, in order; a name without a folder is not on this system."""
    names = []

    def load(name, mode):
        if "/" not in name:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        assert mode == cuda_libraries.RTLD_GLOBAL
        names.append(name)

    monkeypatch.setattr(cuda_libraries, "CDLL", load)
    monkeypatch.setattr(cuda_libraries, "open_driver", lambda: names.append("driver"))
    return names


def test_the_driver_then_every_library_from_its_wheel(wheels, loaded):
    preload_cuda_libraries()
    assert loaded == ["driver", *(str(wheels / path) for _, path in LIBRARIES)]


def test_cublas_stands_before_cusolver_which_needs_it():
    wheels = [wheel for wheel, _ in LIBRARIES]
    assert wheels.index("nvidia-cublas-cu11") < wheels.index("nvidia-cusolver-cu11")


def test_a_missing_wheel_is_named(wheels, loaded):
    (wheels / "cudnn/lib/libcudnn.so.8").unlink()
    with pytest.raises(CudaMissing, match=r"^no usable nvidia-cudnn-cu11 \(libcudnn\.so\.8: .*\); run: pip install"):
        preload_cuda_libraries()


def test_no_wheel_at_all_names_the_first(monkeypatch, loaded):
    monkeypatch.setattr(cuda_libraries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CudaMissing, match=r"nvidia-cuda-runtime-cu11 \(libcudart\.so\.11\.0: "):
        preload_cuda_libraries()


def test_the_system_s_library_stands_in_for_a_wheel(wheels, monkeypatch):
    names = []
    monkeypatch.setattr(cuda_libraries, "CDLL", lambda name, mode: names.append(name))
    monkeypatch.setattr(cuda_libraries, "open_driver", lambda: None)
    (wheels / "nccl/lib/libnccl.so.2").unlink()
    preload_cuda_libraries()
    assert names[-1] == "libnccl.so.2"


def test_without_a_driver_no_library_is_loaded(wheels, loaded, monkeypatch):
    def fail():
        raise CudaMissing("no driver")

    monkeypatch.setattr(cuda_libraries, "open_driver", fail)
    with pytest.raises(CudaMissing, match="no driver"):
        preload_cuda_libraries()
    assert loaded == []


def test_the_extra_cu112_pins_every_wheel():
    extras = SETUP.read_text(encoding="utf-8")
    assert [wheel for wheel, _ in LIBRARIES if f'"{wheel}==' not in extras] == []
