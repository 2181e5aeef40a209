import numpy as np
import pytest

from insightrec.train.checkpoint import read_checkpoint
from insightrec.train.train_options import parse

training_setup = pytest.importorskip("insightrec.train.training_setup", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


@pytest.fixture(scope="module")
def set_up(run_flags):
    """``set_up(flags) -> (training, reported lines)``."""

    def make(flags=""):
        lines = []
        return training_setup.set_up(parse([*run_flags, *flags.split()]), lines.append), lines

    return make


def weights(training):
    parameters = dict(training.network.collect_params())
    if training.objective.head:
        parameters.update(training.objective.head.collect_params())
    return {name: parameter.list_data()[0].asnumpy() for name, parameter in parameters.items()}


def test_it_says_what_will_be_trained(set_up, pattern_set):
    training, lines = set_up("--loss-type 2 --cpus 2")
    convolutions = sum(3 * 3 * a * b + 2 * b for a, b in ((3, 64), (64, 128), (128, 256), (256, 512)))  # bias and PReLU
    trained = convolutions + 2 * 2 * 512 * 8 + 8 + 8 * 8  # 28x28 ends as 2x2; fc1, fc7
    assert lines == [
        f"{pattern_set / 'train.rec'}: 48 images of 8 classes, trained at 28x28",
        f"network s4: embeddings of 8; {trained / 1e6:.2f} million parameters to train",
        "loss cosface: f_y = s (cos theta - m)",
        "12 images a step on cpu(0), cpu(1)",
    ]
    assert (training.worker, training.num_workers, training.global_batch) == (0, 1, 12)


@pytest.mark.parametrize(("per_batch_size", "images"), [(6, 12), (7, 12), (8, 12), (9, 18)])
def test_a_batch_is_of_whole_triplets(set_up, per_batch_size, images):
    training, _ = set_up(f"--loss-type 12 --cpus 2 --per-batch-size {per_batch_size}")
    assert training.global_batch == images
    assert set_up(f"--loss-type 4 --cpus 2 --per-batch-size {per_batch_size}")[0].global_batch == 2 * per_batch_size


def test_first_weights_depend_on_the_seed_alone(set_up):
    first, again, other = (weights(set_up(f"--seed {seed}")[0]) for seed in (1, 1, 2))
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
    assert (other["fc1_weight"] != first["fc1_weight"]).any()
    assert (other["fc7_weight"] != first["fc7_weight"]).any()


def test_first_weights_do_not_depend_on_the_devices(set_up):
    one, two = set_up("--cpus 1")[0], set_up("--cpus 2")[0]
    for name, parameter in two.network.collect_params().items():
        for copy in parameter.list_data():
            np.testing.assert_array_equal(copy.asnumpy(), weights(one)[name])


@pytest.mark.parametrize("parallel", ["", "--class-parallel --cpus 2"])
def test_pretrained_parameters_are_where_it_starts(set_up, run_training, tmp_path, parallel):
    run_training(tmp_path / "m", "--loss-type 0 --max-steps 2 --lr 0.1")
    training, lines = set_up(f"--loss-type 0 --seed 3 --pretrained {tmp_path / 'm'},1 {parallel}")
    assert f"{tmp_path / 'm'}-0001.params: 16 of 16 parameters taken" in lines
    params = read_checkpoint(tmp_path / "m", 1).params
    for name, parameter in training.network.collect_params().items():
        np.testing.assert_array_equal(parameter.list_data()[0].asnumpy(), params[f"arg:{name}"])
    for name, array in training.objective.head.arrays().items():
        np.testing.assert_array_equal(array, params[f"arg:{name}"])


def test_verification_of_the_default_packs_is_left_out_where_there_are_none(set_up):
    assert not set_up()[0].packs
    assert set_up("--target pattern")[0].packs
