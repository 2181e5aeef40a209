"""The class-parallel head on several CPU contexts: equal to one device, and what sampling may and may not touch."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.loss_table import find_loss, make_loss

class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
class_parallel_head = pytest.importorskip("insightrec.train.losses.class_parallel_head", reason="needs MXNet")
ClassParallelHead = class_parallel_head.ClassParallelHead
pytestmark = pytest.mark.mxnet

NAMES = [
    *("softmax", "cosface", "arcface", "sphereface", "normface", "li_arcface"),
    *("adaptive_arcface", "arcface_intra", "lsoftmax"),
]
SIZE = 6
LABEL = np.array([0, 9, 4, 4, 7, 1, 10, 3])  # of 11 classes, which 2, 3 and 4 devices cannot share evenly
EMBEDDING = np.random.default_rng(0).standard_normal((len(LABEL), SIZE)).astype(np.float32)
ARRAYS = {
    "fc7_weight": np.random.default_rng(1).standard_normal((11, SIZE)).astype(np.float32),
    "fc7_bias": np.random.default_rng(2).standard_normal(11).astype(np.float32),
}


def made(name, options):
    return make_loss(find_loss(name), options(margin_s=8, beta=2, beta_min=1))


def arrays_of(loss):
    return {name: ARRAYS[name] for name in ("fc7_weight", "fc7_bias")[: 1 + loss.has_bias]}


def parallel(mx, loss, devices, **changes):
    head = ClassParallelHead(loss, 11, SIZE, [mx.cpu(number) for number in range(devices)], **changes)
    head.load(arrays_of(loss), {})
    return head


def optimizer(mx):
    return mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, wd=0.01)


def step(mx, head, number, parts=2, label=LABEL):
    """Forward and backward of the mean loss, the batch spread over ``parts`` devices.

    Returns the losses and correct answers (B,), and the gradient of the embeddings (B, D)."""
    head.begin_step(number)
    where = [mx.cpu(part) for part in range(parts)]
    embeddings = [mx.nd.array(x, device) for x, device in zip(np.array_split(EMBEDDING, parts), where)]
    labels = [mx.nd.array(y, device) for y, device in zip(np.array_split(label, parts), where)]
    for embedding in embeddings:
        embedding.attach_grad()
    with mx.autograd.record():
        outputs = head.forward_all(embeddings, labels)
        losses = [output.loss / len(label) for output in outputs]
    mx.autograd.backward(losses)
    assert [output.loss.context for output in outputs] == where
    fields = [np.concatenate([field.asnumpy() for field in fields]) for fields in zip(*outputs)]
    return fields, np.concatenate([embedding.grad.asnumpy() for embedding in embeddings])


@pytest.mark.parametrize("devices", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_one_device(name, devices, mx, options):
    single = class_head.ClassHead(made(name, options), 11, SIZE)
    single.initialize()
    parameters = single.collect_params()
    for parameter, array in arrays_of(single.loss).items():
        parameters[parameter].set_data(mx.nd.array(array))
    sgd = optimizer(mx)
    sgd.set_lr_mult({key: parameter.lr_mult for key, parameter in parameters.items()})
    sgd.set_wd_mult({key: parameter.wd_mult for key, parameter in parameters.items()})
    momentum = {key: sgd.create_state(key, parameter.data()) for key, parameter in parameters.items()}

    shards, shards_sgd = parallel(mx, made(name, options), devices), optimizer(mx)
    for number in (1, 2, 3):
        expected, expected_gradient = step(mx, single, number, parts=1)
        found, found_gradient = step(mx, shards, number)
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found_gradient, expected_gradient, rtol=1e-5, atol=1e-5)
        for key, parameter in parameters.items():
            sgd.update(key, parameter.data(), parameter.grad(), momentum[key])
        shards.update(shards_sgd)
        for key, array in shards.arrays().items():
            np.testing.assert_allclose(array, parameters[key].data().asnumpy(), rtol=1e-5, atol=1e-5)
        for key, state in shards.states().items():
            np.testing.assert_allclose(state, momentum[key].asnumpy(), rtol=1e-5, atol=1e-5)
    assert shards.arrays().keys() == shards.states().keys() == parameters.keys()


def test_logits_that_exp_cannot_hold(mx, options):
    """Of the order of 1000: their largest is taken out before shards are joined."""
    losses = []
    for devices in (1, 3):
        head = parallel(mx, made("softmax", options), devices)
        head.load({**ARRAYS, "fc7_weight": 1000 * ARRAYS["fc7_weight"]}, {})
        (loss, _, _), gradient = step(mx, head, 1)
        assert np.isfinite(gradient).all()
        losses.append(loss)
    assert losses[0].max() > 1000
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("name", ["softmax", "arcface"])
def test_sampled_rows_alone_count_and_change(name, mx, options):
    loss = made(name, options)
    head, sgd = parallel(mx, loss, 2, sample_rate=0.7, seed=5), optimizer(mx)
    label = np.array([0, 0, 9, 9, 4, 4, 0, 9])
    for number in (1, 2, 3):
        before, momentum_before = head.arrays(), head.states()
        (losses, _, _), embedding_gradient = step(mx, head, number, label=label)
        gradients = [gradient.asnumpy() for gradient in head.gradients()]
        assert sum(len(gradient) for gradient in gradients) == (4 + 5) * len(before)  # ceil(0.7 * 5), ceil(0.7 * 6)
        head.update(sgd)
        after, momentum_after = head.arrays(), head.states()
        changed = np.flatnonzero((after["fc7_weight"] != before["fc7_weight"]).any(axis=1))
        assert len(changed) == 9
        assert {0, 4, 9} <= set(changed)
        kept = np.setdiff1d(np.arange(11), changed)
        for at, key in enumerate(after):
            momentum = momentum_before.get(key, np.zeros_like(after[key]))
            assert (after[key][kept] == before[key][kept]).all()
            assert (momentum_after[key][kept] == momentum[kept]).all()
            gradient = np.concatenate(gradients[at :: len(after)])
            rate, decay = (0.1, 0.01) if key == "fc7_weight" else (0.2, 0)
            moved = 0.9 * momentum[changed] - rate * (gradient + decay * before[key][changed])
            np.testing.assert_allclose(momentum_after[key][changed], moved, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(after[key][changed], before[key][changed] + moved, rtol=1e-5, atol=1e-6)
        # The same step of a head that has the changed rows alone.
        few = class_head.ClassHead(made(name, options), 9, SIZE)
        few.initialize()
        for key, parameter in few.collect_params().items():
            parameter.set_data(mx.nd.array(before[key][changed]))
        (expected, _, _), expected_gradient = step(mx, few, number, parts=1, label=np.searchsorted(changed, label))
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
        np.testing.assert_allclose(embedding_gradient, expected_gradient, rtol=1e-5, atol=1e-6)


def test_the_sample_is_a_function_of_seed_and_step(mx, options):
    def rows(seed, steps):
        head = parallel(mx, made("arcface", options), 2, sample_rate=0.5, seed=seed)
        drawn = []
        for number in steps:
            step(mx, head, number, label=np.zeros(8, int))
            drawn.append(np.concatenate([gradient.asnumpy() for gradient in head.gradients()]))
        return drawn

    first, second, again = rows(5, [1, 2, 1])
    assert (first == again).all()
    assert (rows(5, [2])[0] == second).all()
    assert (first != second).any()
    assert (rows(6, [1])[0] != first).any()


def test_a_checkpoint_goes_on_with_another_number_of_devices(mx, options):
    two, two_sgd = parallel(mx, made("softmax", options), 2), optimizer(mx)
    step(mx, two, 1)
    two.update(two_sgd)
    three, three_sgd = parallel(mx, made("softmax", options), 3), optimizer(mx)
    three.load(two.arrays(), two.states())
    for head, sgd in ((two, two_sgd), (three, three_sgd)):
        step(mx, head, 2)
        head.update(sgd)
    for kind in ("arrays", "states"):
        one, other = getattr(two, kind)(), getattr(three, kind)()
        for key, array in one.items():
            np.testing.assert_allclose(other[key], array, rtol=1e-5, atol=1e-6)


def test_first_weights_do_not_depend_on_the_devices(mx, options):
    heads = [ClassParallelHead(made("softmax", options), 11, 5, [mx.cpu(0)] * devices, seed=3) for devices in (1, 3)]
    one, three = (head.arrays() for head in heads)
    assert (one["fc7_weight"] == three["fc7_weight"]).all()
    assert one["fc7_weight"].std() == pytest.approx(0.01, rel=0.3)
    assert not one["fc7_bias"].any()
    assert heads[0].states() == {}


def test_without_momentum_there_are_no_states(mx, options):
    head = parallel(mx, made("arcface", options), 2, sample_rate=0.5)
    step(mx, head, 1)
    head.update(mx.optimizer.SGD(learning_rate=0.1))
    assert head.states() == {}
    assert (head.arrays()["fc7_weight"] != ARRAYS["fc7_weight"]).any()


@pytest.mark.parametrize("name", ["center", "arcface_inter"])
def test_losses_that_need_all_weights_are_refused(name, mx, options):
    with pytest.raises(InputError, match="needs all class weights on every device"):
        ClassParallelHead(made(name, options), 11, SIZE, [mx.cpu(0)])


def test_bad_arguments_are_refused(mx, options):
    loss = made("arcface", options)
    with pytest.raises(InputError, match="1 classes cannot be spread over 2 devices"):
        ClassParallelHead(loss, 1, SIZE, [mx.cpu(0), mx.cpu(1)])
    for rate in (0, 1.5, float("nan")):
        with pytest.raises(InputError, match="--sample-rate .*0 < rate <= 1"):
            ClassParallelHead(loss, 11, SIZE, [mx.cpu(0)], sample_rate=rate)
    head = ClassParallelHead(loss, 11, SIZE, [mx.cpu(0)])
    with pytest.raises(InputError, match=r"expected {'fc7_weight': \(11, 6\)}, found {'fc7_weight': \(11, 7\)}"):
        head.load({"fc7_weight": np.zeros((11, 7))}, {})
