"""SGD of a class-parallel head equals that of the whole head; its state goes to any number of devices."""

import numpy as np
import pytest

shard_update = pytest.importorskip("insightrec.train.shard_update", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
parallel = pytest.importorskip("insightrec.train.losses.class_parallel_head", reason="needs MXNet")
parameter_update = pytest.importorskip("insightrec.train.parameter_update", reason="needs MXNet")
softmax = pytest.importorskip("insightrec.train.losses.softmax", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

SIZE, CLASSES, IMAGES = 3, 7, 6
RATES = (0.3, 0.3, 0.05, 0.05)
LR_MULT, WD_MULT = 0.5, 4.0  # of fc7_weight
FIRST = {
    "fc7_weight": np.random.default_rng(0).normal(size=(CLASSES, SIZE)).astype(np.float32),
    "fc7_bias": np.random.default_rng(1).normal(size=CLASSES).astype(np.float32),
}


def shards(mx, devices, **options):
    head = parallel.ClassParallelHead(softmax.Softmax(), CLASSES, SIZE, [mx.cpu(number) for number in range(devices)])
    head.load(FIRST, {})
    head.lr_mult["fc7_weight"], head.wd_mult["fc7_weight"] = LR_MULT, WD_MULT
    return head, shard_update.ShardUpdate(head, **{"momentum": 0.9, "wd": 0.01, **options})


def whole(mx, **options):
    head = class_head.ClassHead(softmax.Softmax(), CLASSES, SIZE)
    head.initialize()
    for name, parameter in head.collect_params().items():
        parameter.set_data(mx.nd.array(FIRST[name]))
    head.weight.lr_mult, head.weight.wd_mult = LR_MULT, WD_MULT
    return head, parameter_update.ParameterUpdate(head.collect_params(), **{"momentum": 0.9, "wd": 0.01, **options})


def train(mx, head, update, steps):
    for step in steps:
        rng = np.random.default_rng([2, step])
        embedding = mx.nd.array(rng.normal(size=(IMAGES, SIZE)))
        label = mx.nd.array(rng.integers(0, CLASSES, IMAGES), dtype="int32")
        head.begin_step(step)
        with mx.autograd.record():
            [output] = head.forward_all([embedding], [label])
            loss = output.loss.sum()
        loss.backward()
        update.reduce_gradients()
        update.update(RATES[step], 1 / IMAGES)


def close(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.0}, {"compat_wd": True}], ids=str)
def test_equal_to_the_update_of_a_whole_head(mx, devices, options):
    head, update = shards(mx, devices, **options)
    expected, expected_update = whole(mx, **options)
    train(mx, head, update, range(4))
    train(mx, expected, expected_update, range(4))
    close(head.arrays(), expected.arrays())
    close(update.states(), expected_update.states())


@pytest.mark.parametrize(("before", "after"), [(1, 2), (3, 1), (2, 2)])
def test_goes_on_with_another_number_of_devices(mx, before, after):
    first, first_update = shards(mx, before)
    train(mx, first, first_update, range(2))
    second, second_update = shards(mx, after)
    second.load(first.arrays(), {})
    second_update.load_states({**first_update.states(), "momentum:conv_weight": np.ones(3)})
    close(second_update.states(), first_update.states())
    train(mx, second, second_update, range(2, 4))
    expected, expected_update = shards(mx, 1)
    train(mx, expected, expected_update, range(4))
    close(second.arrays(), expected.arrays())
    close(second_update.states(), expected_update.states())


def test_without_states_it_starts_anew(mx):
    head, update = shards(mx, 2)
    update.load_states({})
    assert update.states() == {}
    close(head.arrays(), FIRST)


def test_gradients_are_those_of_every_shard(mx):
    head, update = shards(mx, 3)
    train(mx, head, update, [0])
    assert sum(gradient.size for gradient in update.gradients) == CLASSES * SIZE + CLASSES
