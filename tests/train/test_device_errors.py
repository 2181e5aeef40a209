import pytest

from insightrec.recordio_tools.errors import InputError

device_errors = pytest.importorskip("insightrec.train.device_errors", reason="needs MXNet")

pytestmark = pytest.mark.mxnet


def test_mxnets_own_errors_are_one_line(mx):
    with pytest.raises(InputError, match="MXNet failed: .*") as raised, device_errors.readable_device_errors():
        mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((2, 3))).wait_to_read()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["MemoryError", "MXNetError"])
def test_lack_of_memory_says_what_to_make_smaller(mx, name):
    error = MemoryError("286 GiB") if name == "MemoryError" else mx.MXNetError("stack\n  cudaMalloc: out of memory")
    with (
        pytest.raises(InputError, match="out of memory.*lower --per-batch-size"),
        device_errors.readable_device_errors(),
    ):
        raise error


def test_other_errors_pass(mx):
    with pytest.raises(KeyError), device_errors.readable_device_errors():
        raise KeyError("a bug")
