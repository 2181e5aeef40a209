"""The reference figures of the released MobileFaceNet on LFW, from its distances and end to end.

The whole of LFW takes minutes of CPU time, so by default a sample of its pairs goes through the model, and
``INSIGHTREC_SLOW=1`` runs them all.
"""

import json
import os

import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.eval.kfold_accuracy import kfold_accuracy
from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.pair_distance import pair_distances
from insightrec.eval.validation_rate import validation_rate
from insightrec.eval.verification import main
from insightrec.eval.verification_report import report_lines
from insightrec.eval.verification_result import verify
from insightrec.recordio_tools.verification_pack import VerificationPack, read_pack

SAMPLE = np.arange(0, 6000, 30)  # 200 pairs, of every fold and of both kinds


@pytest.fixture(scope="session")
def folder(data):
    return data / "verification"


@pytest.fixture(scope="session")
def lfw(folder):
    return read_pack(folder / "lfw_a.bin")


@pytest.fixture(scope="session")
def reference(folder):
    return json.loads((folder / "lfw_a__y1.json").read_text())


@pytest.fixture(scope="session")
def model(data):
    return f"{data / 'models' / 'mobilefacenet_y1' / 'model'},0"


@pytest.fixture(scope="session")
def embedder(model):
    return Embedder(model)


@pytest.mark.parametrize("copies", ["flip", "noflip"])
def test_every_fold_of_the_reference_from_its_distances(folder, lfw, reference, copies):
    distance, figures = np.load(folder / f"lfw_a__y1.{copies}.sqdist.npy"), reference[copies]
    accuracy = kfold_accuracy(distance, lfw.is_same)
    assert list(accuracy.fold_accuracy) == figures["fold_acc"]
    assert list(accuracy.fold_threshold) == figures["fold_threshold"]
    assert (accuracy.mean, accuracy.std) == (figures["acc"], figures["std"])
    validation = validation_rate(distance, lfw.is_same)
    assert (validation.mean, validation.std) == (figures["val_at_far_1e3"], figures["val_std"])
    assert validation.far == figures["far"]


def test_sampled_pairs_end_to_end(folder, lfw, embedder):
    places = np.stack([2 * SAMPLE, 2 * SAMPLE + 1], axis=1).ravel()
    pack = VerificationPack([lfw.images[place] for place in places], lfw.is_same[SAMPLE])
    embeddings = embed_pack(embedder, pack, "lfw_a.bin")
    for copies, flip in (("flip", True), ("noflip", False)):
        expected = np.load(folder / f"lfw_a__y1.{copies}.sqdist.npy")[SAMPLE]
        np.testing.assert_allclose(pair_distances(embeddings.unit(flip)), expected, atol=1e-4)


@pytest.mark.skipif("INSIGHTREC_SLOW" not in os.environ, reason="takes minutes; set INSIGHTREC_SLOW=1 to run it")
def test_all_pairs_end_to_end(folder, lfw, embedder, reference):
    result = verify(embed_pack(embedder, lfw, "lfw_a.bin"))
    assert result.distinct_images == reference["unique_images"]
    assert result.xnorm == pytest.approx(reference["xnorm"], abs=1e-4)
    for copies, figures in (("flip", result.flip), ("noflip", result.no_flip)):
        expected = np.load(folder / f"lfw_a__y1.{copies}.sqdist.npy")
        np.testing.assert_allclose(figures.distance, expected, atol=1e-4)
        assert list(figures.accuracy.fold_accuracy) == reference[copies]["fold_acc"]
    assert report_lines("lfw", result)[:3] == [
        "[lfw]XNorm: 9.578912",
        "[lfw]Accuracy: 0.99200+-0.00623",
        "[lfw]Accuracy-Flip: 0.99117+-0.00578",
    ]


def test_pack_of_ten_same_pairs_from_the_command_line(folder, model, capsys):
    expected = json.loads((folder / "small_lfw__y1.json").read_text())
    main(["--data-dir", str(folder), "--target", "small_lfw", "--model", model])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("[small_lfw]XNorm: 11.04729")
    assert f"[small_lfw]Accuracy: {expected['acc_noflip']:.5f}+-0.30000" in lines
    assert f"[small_lfw]Accuracy-Flip: {expected['acc_flip']:.5f}+-{expected['std_flip']:.5f}" in lines
    assert any("VAL@FAR=1e-3: not defined" in line for line in lines)
    assert lines[-1] == "Max of [small_lfw] is 0.90000"
