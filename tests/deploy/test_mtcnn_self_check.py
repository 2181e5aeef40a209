import numpy as np
import pytest

from insightrec.deploy.mtcnn_self_check import ANSWERS, SHAPES, check_network, fixed_input
from insightrec.recordio_tools.errors import ModelError


class Network:
    source = "det.params"

    def __init__(self, *outputs):
        self.outputs = outputs

    def __call__(self, batch):
        return self.outputs


def answers(stage, change=0.0):
    numbers = np.array(ANSWERS[stage], np.float32)
    numbers[-1] += change
    return Network(numbers[None, :2], numbers[None, 2:])


@pytest.mark.parametrize("stage", SHAPES)
def test_the_known_answers_pass_and_others_do_not(stage):
    check_network(stage, answers(stage, 1e-4))
    for network in (answers(stage, 0.01), answers(stage, np.nan), Network(np.zeros((1, 3), np.float32))):
        with pytest.raises(ModelError, match=rf"det.params: expected .* fixed input of {stage}, found .* damaged"):
            check_network(stage, network)


@pytest.mark.parametrize("stage", SHAPES)
def test_the_input_has_no_symmetry(stage):
    batch = fixed_input(stage)
    assert (batch.shape, batch.dtype) == ((1, *SHAPES[stage]), np.float32)
    assert np.abs(batch).max() <= 1
    for turned in (batch[:, ::-1], batch[:, :, ::-1], batch[..., ::-1]):
        assert np.abs(turned - batch).mean() > 0.3
    if batch.shape[2] == batch.shape[3]:
        assert np.abs(batch.transpose(0, 1, 3, 2) - batch).mean() > 0.3
