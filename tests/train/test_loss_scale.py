import json

import pytest

from insightrec.recordio_tools.errors import InputError

loss_scale = pytest.importorskip("insightrec.train.loss_scale", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_doubles_after_2000_clean_steps_and_halves_on_overflow():
    scale = loss_scale.LossScale()
    first = scale.scale
    assert all(scale.accept(True) for _ in range(1999))
    assert scale.scale == first
    assert scale.accept(True)
    assert scale.scale == 2 * first
    assert not scale.accept(False)
    assert scale.scale == first


def test_an_overflow_starts_the_count_again():
    scale = loss_scale.LossScale()
    for _ in range(1999):
        scale.accept(True)
    scale.accept(False)
    halved = scale.scale
    for _ in range(1999):
        scale.accept(True)
    assert scale.scale == halved


def test_the_scale_has_an_upper_bound():
    scale = loss_scale.LossScale()
    for _ in range(2000 * 20):
        scale.accept(True)
    assert scale.scale == loss_scale.HIGHEST_SCALE


def test_endless_overflow_is_reported_as_divergence():
    scale = loss_scale.LossScale()
    for _ in range(16):
        assert not scale.accept(False)
    assert scale.scale == 1
    with pytest.raises(InputError, match="training has diverged; lower --lr"):
        scale.accept(False)


def test_goes_on_exactly_from_a_state():
    scale, resumed = loss_scale.LossScale(), loss_scale.LossScale()
    scale.accept(False)
    for _ in range(1500):
        scale.accept(True)
    resumed.load_state(json.loads(json.dumps(scale.state())))
    for _ in range(500):
        scale.accept(True)
        resumed.accept(True)
    assert resumed.scale == scale.scale == loss_scale.FIRST_SCALE


def arrays(mx, count=450):
    """More than one call takes, of both precisions, on two devices."""
    return [
        mx.nd.ones((2, 3), ctx=mx.cpu(number % 2), dtype="float16" if number % 3 else "float32")
        for number in range(count)
    ]


def test_finite_arrays_of_any_kind_are_finite(mx):
    assert loss_scale.all_finite(arrays(mx))
    assert loss_scale.all_finite([])


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("place", [0, 1, 2, 199, 250, 449])
def test_one_bad_element_anywhere_is_found(mx, value, place):
    gradients = arrays(mx)
    gradients[place][1, 2] = value
    assert not loss_scale.all_finite(gradients)
