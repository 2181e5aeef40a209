import csv
import json

import numpy as np
import pytest

from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.verification_report import report_lines, to_json, versions, write_report
from insightrec.eval.verification_result import VerificationResult, pair_figures, verify


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    is_same = np.arange(400) % 2 == 0
    distance = rng.normal(np.where(is_same, 1.0, 1.8), 0.2)
    return VerificationResult(
        pairs=400,
        same=200,
        distinct_images=777,
        embedding_size=128,
        nfolds=10,
        pca=0,
        xnorm=9.578911659806753,
        flip=pair_figures(distance, is_same),
        no_flip=pair_figures(distance + rng.normal(0, 0.1, 400), is_same),
    )


@pytest.fixture
def one_kind(make_pack, embedder):
    return verify(embed_pack(embedder, make_pack(10, one_kind=True), "small.bin"))


def test_the_first_lines_are_in_upstreams_form(result):
    flip, no_flip = result.flip.accuracy, result.no_flip.accuracy
    assert report_lines("lfw", result)[:3] == [
        "[lfw]XNorm: 9.578912",
        f"[lfw]Accuracy: {no_flip.mean:1.5f}+-{no_flip.std:1.5f}",
        f"[lfw]Accuracy-Flip: {flip.mean:1.5f}+-{flip.std:1.5f}",
    ]


def test_further_lines_carry_counts_and_say_what_is_not_resolvable(result):
    lines = report_lines("lfw", result)[3:]
    assert lines[0].endswith(f"({result.flip.accuracy.correct} of 400 pairs right)")
    assert lines[1].startswith("[lfw]VAL@FAR=1e-3: 0.")
    zero = result.flip.tar_at_far[2]
    assert " at 1e-2 (2/200), " in lines[2]
    assert lines[2].endswith(f", {zero.tar:.5f} at 0/200 (too few negatives for 1e-3, 1e-4, 1e-5)")
    assert lines[3].startswith("[lfw]EER: 0.0")


def test_undefined_rates_are_said_and_are_null(one_kind, tmp_path):
    lines = report_lines("small", one_kind)
    assert any("VAL@FAR=1e-3: not defined" in line for line in lines)
    assert any("TAR@FAR, EER: not defined, 10 of 10 pairs are of one person" in line for line in lines)
    write_report(tmp_path, [({"target": "small"}, one_kind)])
    document = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)  # no NaN
    assert document["results"][0]["flip"]["validation"]["mean"] is None
    assert document["results"][0]["flip"]["equal_error"] is None


def test_report_files_hold_every_result(result, one_kind, tmp_path):
    entries = [({"target": "lfw", "model": "a,0"}, result), ({"target": "small", "model": "a,0"}, one_kind)]
    write_report(tmp_path, entries)
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["versions"]["numpy"] == np.__version__
    first = document["results"][0]
    assert (first["target"], first["model"], first["pairs"]) == ("lfw", "a,0", 400)
    assert first["flip"]["accuracy"]["fold_accuracy"] == list(result.flip.accuracy.fold_accuracy)
    assert [point["far_target"] for point in first["no_flip"]["tar_at_far"]] == [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]
    assert "distance" not in first["flip"]
    with open(tmp_path / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["target"] for row in rows] == ["lfw", "small"]
    assert float(rows[0]["accuracy_flip"]) == result.flip.accuracy.mean
    assert float(rows[0]["tar_at_far_1e-2"]) == result.flip.tar_at_far[1].tar
    assert rows[1]["eer"] == rows[1]["tar_at_far_1e-1"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.csv", "results.json"]


def test_to_json_leaves_the_result_alone(result):
    to_json(result)
    assert result.flip.distance.shape == (400,)


def test_a_path_that_is_not_utf_8(result, tmp_path):
    write_report(tmp_path, [({"pack": "lfw\udcff.bin"}, result)])
    assert b"\nlfw\xff.bin,400," in (tmp_path / "results.csv").read_bytes()
    assert json.loads((tmp_path / "results.json").read_text())["results"][0]["pack"] == "lfw\udcff.bin"


def test_versions_name_what_ran():
    assert {"python", "numpy", "cv2", "sklearn"} <= set(versions())
