import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError, ModelError
from insightrec.train.losses.loss_table import ENTRIES, find_loss
from insightrec.train.train_options import parse

training_model = pytest.importorskip("insightrec.train.training_model", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
named_layers = pytest.importorskip("insightrec.train.networks.named_layers", reason="needs MXNet")
objectives = pytest.importorskip("insightrec.train.objectives", reason="needs MXNet")
parallel = pytest.importorskip("insightrec.train.losses.class_parallel_head", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

CLASSES, SIZE = 6, 4
KINDS = {"identities": objectives.IdentityObjective, "triplets": objectives.TripletObjective}
MARGIN = {"cosface": "0.35"}


def options(line=""):
    args = parse(line.split())
    args.num_classes = CLASSES
    return args


def objective_of(mx, loss, line="", devices=1):
    args = options(f"--margin-m {MARGIN.get(loss, 0.3)} {line}")
    on = [mx.cpu(number) for number in range(devices)]
    return training_model.make_objective(find_loss(loss), args, SIZE, on, mx.init.Normal(1))


def dense(size=SIZE):
    return named_layers.FullyConnected("fc1", size)


def test_a_network_is_of_the_variant_asked_for(mx):
    args = options("--network m1 --version-multiplier 0.0625 --version-output G --emb-size 5 --bn-mom 0.7")
    network, size = training_model.make_network(args, (32, 32), [mx.cpu(0), mx.cpu(1)])
    assert size == 5
    assert len(network.collect_params()["fc1_weight"].list_data()) == 2
    assert {values["momentum"] for values in network.symbol().attr_dict().values() if "momentum" in values} == {"0.7"}


def test_the_embedding_of_head_z_is_the_whole_map(mx):
    args = options("--network m1 --version-multiplier 0.0625 --version-output Z")
    _, size = training_model.make_network(args, (64, 32), [mx.cpu()])
    assert size == 64 * 4 * 2


def test_an_image_too_small_for_the_network_is_refused(mx):
    with pytest.raises(InputError, match="--network y1: the network does not take images of .*; change --image-size"):
        training_model.make_network(options("--network y1 --emb-size 8"), (32, 32), [mx.cpu()])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_loss_has_an_objective_that_learns(mx, entry):
    """One forward and backward of six images, the triplets' being two."""
    objective = objective_of(mx, entry.name, "--margin-s 8 --beta 2")
    assert isinstance(objective, KINDS.get(entry.kind, objectives.ClassObjective))
    assert (objective.head is None) == (entry.kind != "classes")
    embedding = mx.nd.array(np.random.default_rng(0).normal(size=(6, SIZE)))
    embedding.attach_grad()
    objective.begin_step(1)
    with mx.autograd.record():
        [figure] = objective([embedding], [mx.nd.array([0, 0, 1, 1, 5, 5], dtype="int32")])
    figure.loss.backward()
    assert np.isfinite(figure.loss.asscalar())
    assert embedding.grad.asnumpy().any()


def test_the_margin_grows_by_the_flags(mx):
    objective = objective_of(mx, "arcface", "--softmax-steps 3 --margin-warmup-steps 4")
    for step, share in ((3, 0), (4, 0.25), (7, 1)):
        objective.begin_step(step)
        assert objective.head.loss.margin_share == share


def test_triplets_may_have_a_classifier_beside_them(mx):
    objective = objective_of(mx, "triplet", "--triplet-ce-weight 0.1")
    assert objective.head.weight.shape == (CLASSES, SIZE)
    assert objective.head.bias is not None


@pytest.mark.parametrize("devices", [1, 2])
def test_multipliers_of_the_classifier(mx, devices):
    line = "--fc7-lr-mult 3 --fc7-wd-mult 10"
    head = objective_of(mx, "softmax", line, devices).head
    assert (head.weight.lr_mult, head.weight.wd_mult) == (3, 10)
    assert (head.bias.lr_mult, head.bias.wd_mult) == (2, 0)
    head = objective_of(mx, "softmax", f"{line} --class-parallel", devices).head
    assert head.lr_mult == {"fc7_weight": 3, "fc7_bias": 2}
    assert head.wd_mult == {"fc7_weight": 10, "fc7_bias": 0}


@pytest.mark.parametrize(
    ("loss", "line", "message"),
    [
        ("triplet", "--class-parallel", "--class-parallel: triplet has no classes to spread"),
        ("npair", "--class-parallel", "--class-parallel: npair has no classes to spread"),
        ("arcface", "--class-parallel --kvstore dist_sync", "--class-parallel: .* use --kvstore device"),
        ("arcface", "--sample-rate 0.5", "--sample-rate: samples the classes of --class-parallel"),
        ("center", "--class-parallel", "needs all class weights"),
        ("triplet", "--kvstore dist_sync", "--kvstore dist_sync: triplets are mined in one process"),
        ("center", "--kvstore dist_sync", "--kvstore dist_sync: centers of the loss would differ between workers"),
        ("arcface", "--margin-m 2", "--margin-m"),
    ],
)
def test_what_does_not_go_together_is_refused(mx, loss, line, message):
    with pytest.raises(InputError, match=message):
        objective_of(mx, loss, line)


def test_updates_cover_the_network_and_the_head(mx, tiny_network):
    network = tiny_network(dense())
    for line, sizes in (("", [12 * SIZE + SIZE + CLASSES * SIZE]), ("--class-parallel", [12 * SIZE + SIZE, 0])):
        head = objective_of(mx, "arcface", line).head
        updates = training_model.make_updates(options(line), network, head, None)
        assert [sum(array.size for array in update.gradients) for update in updates] == sizes
    [alone] = training_model.make_updates(options(), network, None, None)
    assert sum(array.size for array in alone.gradients) == 12 * SIZE + SIZE


def earlier(classes=CLASSES, size=SIZE):
    """The arrays of a model that was trained earlier, under softmax."""
    shapes = {"fc1_weight": (size, 12), "fc1_bias": (size,), "fc7_weight": (classes, size), "fc7_bias": (classes,)}
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("line", ["", "--class-parallel"])
@pytest.mark.parametrize("devices", [1, 2])
def test_a_classifier_of_as_many_classes_is_taken_over(mx, tiny_network, line, devices):
    network, head = tiny_network(dense(), devices=devices), objective_of(mx, "softmax", line, devices).head
    arrays = earlier()
    taken = training_model.take_pretrained(network, head, arrays, "m.params")
    assert str(taken) == "4 of 4 parameters taken"
    np.testing.assert_array_equal(
        network.collect_params()["fc1_weight"].list_data()[-1].asnumpy(), arrays["fc1_weight"]
    )
    for name, array in head.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize("line", ["", "--class-parallel"])
def test_a_classifier_of_other_classes_starts_anew_and_that_is_said(mx, tiny_network, line):
    network, head = tiny_network(dense()), objective_of(mx, "softmax", line).head
    before = head.arrays()
    taken = training_model.take_pretrained(network, head, earlier(classes=CLASSES + 1), "m.params")
    assert taken.taken == ["fc1_weight", "fc1_bias"]
    assert "2 start anew: fc7_weight, fc7_bias" in str(taken)
    for name, array in head.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_classifier_that_nobody_asks_for_is_not_used(tiny_network):
    taken = training_model.take_pretrained(tiny_network(dense()), None, earlier(), "m.params")
    assert str(taken) == "2 of 2 parameters taken; 2 not used: fc7_weight, fc7_bias"


@pytest.mark.parametrize("line", ["", "--class-parallel"])
def test_a_model_of_another_width_is_refused(mx, tiny_network, line):
    network, head = tiny_network(dense()), objective_of(mx, "softmax", line).head
    with pytest.raises(ModelError, match=r"m.params: fc1_weight: expected shape \(4, 12\) .* found \(8, 12\)"):
        training_model.take_pretrained(network, head, earlier(size=8), "m.params")
