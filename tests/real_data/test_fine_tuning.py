"""The released MobileFaceNet goes on learning, and what is saved is a model like it."""

import os
import re

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.train.train import main

pytestmark = pytest.mark.mxnet


@pytest.fixture
def fine_tune(mx, data, tmp_path, capsys):
    """``fine_tune(flags)``: y1 from the released parameters on lfw60; returns the prefix and what was printed."""

    def run(flags):
        released = data / "models" / "mobilefacenet_y1" / "model,0"
        fixed = ["--network", "y1", "--emb-size", "128", "--pretrained", str(released), "--loss-type", "4"]
        fixed += ["--data-dir", str(data / "records" / "lfw60"), "--prefix", str(tmp_path / "m")]
        main([*fixed, *flags.split()])
        return tmp_path / "m", capsys.readouterr().out

    return run


def test_every_parameter_is_taken_and_the_checkpoint_is_a_plain_module(mx, data, fine_tune):
    prefix, printed = fine_tune("--per-batch-size 4 --lr 0.001 --max-steps 1")
    assert "284 of 285 parameters taken; 1 start anew: fc7_weight\n" in printed
    images = np.stack([FaceRecordSet(data / "records" / "lfw60")[position][0] for position in (0, 100, 200)])
    module = mx.mod.Module.load(str(prefix), 1, label_names=None)
    module.bind(data_shapes=[("data", (3, 3, 112, 112))], for_training=False)
    pixels = mx.nd.array(images.transpose(0, 3, 1, 2))
    module.forward(mx.io.DataBatch([pixels]), is_train=False)
    theirs = module.get_outputs()[0].asnumpy()
    ours = Embedder(f"{prefix},1").embed(images)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())
    before = Embedder(str(data / "models" / "mobilefacenet_y1" / "model,0")).embed(images)
    assert np.abs(ours - before).max() > 1e-3 * np.abs(before).max()


@pytest.mark.skipif("INSIGHTREC_SLOW" not in os.environ, reason="minutes; set INSIGHTREC_SLOW=1")
def test_fine_tuning_learns_sixty_people(fine_tune):
    flags = "--per-batch-size 16 --lr 0.01 --margin-warmup-steps 100 --verbose 1000 --max-steps 160"
    _, printed = fine_tune(flags)
    accuracy = [float(value) for value in re.findall(r"\tacc=([\d.]+)", printed)]
    loss = [float(value) for value in re.findall(r"lossvalue=([\d.]+)", printed)]
    assert max(accuracy[-2:]) > 0.99
    assert loss[-1] < loss[0] / 4
