"""One step against NumPy in float64, on one and several devices; and what randomness, scaling and workers do to it."""

import subprocess
import sys

import numpy as np
import pytest

training_step = pytest.importorskip("insightrec.train.training_step", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
parallel = pytest.importorskip("insightrec.train.losses.class_parallel_head", reason="needs MXNet")
loss_scale = pytest.importorskip("insightrec.train.loss_scale", reason="needs MXNet")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="needs MXNet")
objectives = pytest.importorskip("insightrec.train.objectives", reason="needs MXNet")
parameter_update = pytest.importorskip("insightrec.train.parameter_update", reason="needs MXNet")
shard_update = pytest.importorskip("insightrec.train.shard_update", reason="needs MXNet")
softmax = pytest.importorskip("insightrec.train.losses.softmax", reason="needs MXNet")

from insightrec.train.margin_warmup import MarginWarmup  # noqa: E402

pytestmark = pytest.mark.mxnet

SIZE, CLASSES, BATCH = 3, 5, 6
MOMENTUM, WD, RATE = 0.9, 0.01, 0.2
MULTIPLIERS = {"fc1_weight": (1, 1), "fc1_bias": (1, 0), "fc7_weight": (1, 1), "fc7_bias": (2, 0)}  # lr, wd


def batch(step, size=BATCH):
    rng = np.random.default_rng([4, step])
    return rng.integers(0, 256, (size, 2, 2, 3), np.uint8), rng.integers(0, CLASSES, size)


class Trained:
    """A dense layer of 2x2 pixels under softmax, and its `TrainingStep`."""

    def __init__(self, mx, tiny_network, devices=1, head="data", layers=(), momentum=MOMENTUM, wd=WD, **options):
        on = [mx.cpu(number) for number in range(devices)]
        self.network = tiny_network(*layers, named_layers.FullyConnected("fc1", SIZE), devices=devices)
        parameters = dict(self.network.collect_params())
        rng = np.random.default_rng(1)
        first = {"fc7_weight": rng.normal(size=(CLASSES, SIZE)), "fc7_bias": rng.normal(size=CLASSES)}
        first = {name: array.astype(np.float32) for name, array in first.items()}
        if head == "data":
            self.head = class_head.ClassHead(softmax.Softmax(), CLASSES, SIZE)
            self.head.initialize(ctx=on)
            parameters.update(self.head.collect_params())
            for name, array in first.items():
                parameters[name].set_data(mx.nd.array(array))
        else:
            self.head = parallel.ClassParallelHead(softmax.Softmax(), CLASSES, SIZE, on)
            self.head.load(first, {})
        kvstore = parameter_update.create_kvstore("device", devices)
        updates = [parameter_update.ParameterUpdate(parameters, momentum, wd, kvstore=kvstore)]
        if head != "data":
            updates.append(shard_update.ShardUpdate(self.head, momentum, wd))
        objective = objectives.ClassObjective(self.head, MarginWarmup())
        self.step = training_step.TrainingStep(self.network, objective, updates, on, **options)

    def arrays(self):
        """Weights by name, alike on all devices."""
        arrays = dict(self.head.arrays())
        for name, parameter in self.network.collect_params().items():
            copies = [copy.asnumpy() for copy in parameter.list_data()]
            assert all((copy == copies[0]).all() for copy in copies)
            arrays[name] = copies[0]
        return arrays


def oracle(arrays, speeds, images, labels):
    """A step of momentum SGD on the mean loss: changes arrays and speeds, returns each image's loss and accuracy."""
    x = (images.transpose(0, 3, 1, 2).reshape(len(images), -1) - 127.5) / 128
    embedding = x @ arrays["fc1_weight"].T + arrays["fc1_bias"]
    logits = embedding @ arrays["fc7_weight"].T + arrays["fc7_bias"]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = np.eye(CLASSES)[labels]
    to_logits = (probability - own) / len(images)
    to_embedding = to_logits @ arrays["fc7_weight"]
    gradients = {
        "fc7_weight": to_logits.T @ embedding,
        "fc7_bias": to_logits.sum(axis=0),
        "fc1_weight": to_embedding.T @ x,
        "fc1_bias": to_embedding.sum(axis=0),
    }
    for name, gradient in gradients.items():
        lr_mult, wd_mult = MULTIPLIERS[name]
        decayed = gradient + WD * wd_mult * arrays[name]
        speeds[name] = MOMENTUM * speeds.get(name, 0) - RATE * lr_mult * decayed
        arrays[name] = arrays[name] + speeds[name]
    return -np.log((probability * own).sum(axis=1)), logits.argmax(axis=1) == labels


def floats(values):
    return [value.asscalar() for value in values]


@pytest.mark.parametrize(("devices", "head"), [(1, "data"), (2, "data"), (3, "data"), (1, "classes"), (3, "classes")])
@pytest.mark.parametrize("scale", [None, 2.0**10])
def test_equal_to_arithmetic_by_hand(mx, tiny_network, devices, head, scale):
    scaling = None
    if scale:
        scaling = loss_scale.LossScale()
        scaling.scale = scale
    trained = Trained(mx, tiny_network, devices, head, loss_scale=scaling)
    expected, speeds = {name: array.astype(np.float64) for name, array in trained.arrays().items()}, {}
    for step in (1, 2, 3):
        images, labels = batch(step)
        figures = trained.step(images, labels, step, RATE)
        losses, correct = oracle(expected, speeds, images, labels)
        found = floats(figure.loss for figure in figures)
        assert found == pytest.approx(losses.reshape(devices, -1).mean(axis=1), rel=1e-4)
        found = floats(figure.accuracy for figure in figures)
        assert found == pytest.approx(correct.reshape(devices, -1).mean(axis=1))
        for name, array in trained.arrays().items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_workers_share_the_mean(mx, tiny_network):
    """The store adds up what workers bring, so each brings its share of the mean."""
    moved = []
    for workers in (1, 2, 4):
        trained = Trained(mx, tiny_network, momentum=0, wd=0, num_workers=workers)
        before = trained.arrays()["fc7_weight"]
        trained.step(*batch(1), 1, RATE)
        moved.append(trained.arrays()["fc7_weight"] - before)
    for workers, change in zip((2, 4), moved[1:]):
        np.testing.assert_allclose(change * workers, moved[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("head", ["data", "classes"])
def test_an_overflow_skips_the_step_and_halves_the_scale(mx, tiny_network, head):
    scaling = loss_scale.LossScale()
    scaling.scale = 2.0**127  # times a few units of loss, above float32
    trained = Trained(mx, tiny_network, 2, head, loss_scale=scaling)
    before = trained.arrays()
    images, labels = batch(1)
    trained.network.collect_params()["fc1_weight"].set_data(1e4 * mx.nd.ones((SIZE, 12)))
    before["fc1_weight"] = trained.arrays()["fc1_weight"]
    figures = trained.step(images, labels, 1, RATE)
    assert scaling.scale == 2.0**126
    assert np.isfinite(floats(figure.loss for figure in figures)).all(), "what is shown is not scaled"
    for name, array in trained.arrays().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    scaling.scale = 2.0
    trained.step(images, labels, 2, RATE)
    assert (trained.arrays()["fc7_weight"] != before["fc7_weight"]).any()


def dropped(mx, tiny_network, step, seed=0, devices=1, images=None, **options):
    """The losses of one step of a network with dropout."""
    layers = [named_layers.Dropout("dropout0", 0.5)]
    trained = Trained(mx, tiny_network, devices, layers=layers, seed=seed, **options)
    given, labels = batch(1)
    return floats(figure.loss for figure in trained.step(given if images is None else images, labels, step, RATE))


def test_dropout_depends_on_the_seed_the_step_and_the_worker_only(mx, tiny_network):
    first = dropped(mx, tiny_network, 5)
    mx.nd.random.normal(shape=(1000,)).wait_to_read()
    mx.random.seed(99)
    assert dropped(mx, tiny_network, 5) == first
    others = [
        dropped(mx, tiny_network, 6),
        dropped(mx, tiny_network, 5, seed=1),
        dropped(mx, tiny_network, 5, worker=0, num_workers=2),
        dropped(mx, tiny_network, 5, worker=1, num_workers=2),
    ]
    assert len({first[0], *(loss for [loss] in others)}) == 5


def test_devices_drop_different_numbers(mx, tiny_network):
    images, labels = batch(1)
    trained = Trained(mx, tiny_network, 2, layers=[named_layers.Dropout("dropout0", 0.5)])
    one, other = trained.step(np.tile(images[:3], (2, 1, 1, 1)), np.tile(labels[:3], 2), 1, RATE)
    assert one.loss.asscalar() != other.loss.asscalar()


DROP = """
def drop(mx, draw):
    mx.random.seed(draw)
    with mx.autograd.train_mode():
        return [mx.nd.Dropout(mx.nd.ones(40, ctx=mx.cpu(number)), p=0.5).asnumpy().tolist() for number in (0, 1)]
"""


def test_a_fresh_process_draws_the_same(mx):
    """So that a resumed run goes on with the same dropout: nothing that ran before is left in the generators."""
    draw = training_step.TrainingStep(None, None, [], [], seed=3)._draw(12)
    script = f"{DROP}\nfrom insightrec.deploy.mxnet_import import import_mxnet\nprint(drop(import_mxnet(), {draw}))"
    fresh = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    names = {}
    exec(DROP, names)
    for number in (0, 1):
        mx.nd.random.normal(shape=(1000,), ctx=mx.cpu(number)).wait_to_read()
    here = names["drop"](mx, draw)
    assert fresh.stdout.strip() == str(here)
    assert here[0] != here[1]


def test_seeds_of_steps_and_workers_do_not_meet():
    def draws(seed, worker, num_workers):
        step = training_step.TrainingStep(None, None, [], [], seed=seed, worker=worker, num_workers=num_workers)
        return [step._draw(number) for number in range(1, 2000)]

    for workers in (1, 3):
        drawn = [draw for seed in (0, 1, 2) for worker in range(workers) for draw in draws(seed, worker, workers)]
        assert len(set(drawn)) == len(drawn)
        assert all(0 <= draw < 2**31 for draw in drawn)
    assert 0 <= training_step.TrainingStep(None, None, [], [], seed=2**40)._draw(10**7) < 2**31


def test_a_map_of_head_z_is_one_embedding(mx, tiny_network):
    """Its FC7 takes every number of the map, as upstream's does by flattening."""
    network = tiny_network(named_layers.Convolution("conv", 2, kernel=2), image_size=(3, 2))
    head = class_head.ClassHead(softmax.Softmax(), CLASSES, 4)
    head.initialize()
    update = parameter_update.ParameterUpdate({**network.collect_params(), **head.collect_params()})
    step = training_step.TrainingStep(network, objectives.ClassObjective(head, MarginWarmup()), [update], [mx.cpu()])
    [figure] = step(np.zeros((2, 3, 2, 3), np.uint8), np.array([0, 4]), 1, RATE)
    assert figure.loss.asscalar() == pytest.approx(np.log(CLASSES), rel=0.2)
