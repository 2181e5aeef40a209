"""The cases, what is timed in each, and their rows, on a model of one product."""

import numpy as np
import pytest

from insightrec.deploy import timed_stages
from insightrec.deploy.model_files import find_model
from insightrec.deploy.timed_stages import (
    Case,
    Settings,
    list_cases,
    measure,
    prepare_alignment,
    prepare_detection,
    prepare_embedding,
)
from insightrec.recordio_tools.image_codec import encode_rgb


@pytest.fixture
def settings(dense_model):
    return Settings(find_model(dense_model), (4, 4), "rgb", -1, runs=4, warm_up=1)


def test_cases_are_every_combination():
    assert list_cases(["alignment", "embedding"], ["onnxruntime"], [1, 8], [1, 2]) == [
        Case("alignment", "cv2", 1, 1),
        Case("alignment", "cv2", 1, 2),
        Case("embedding", "onnxruntime", 1, 1),
        Case("embedding", "onnxruntime", 1, 2),
        Case("embedding", "onnxruntime", 8, 1),
        Case("embedding", "onnxruntime", 8, 2),
    ]
    assert {case.backend for case in list_cases(["embedding"], ["mxnet", "onnxruntime"], [1], [1])} == {
        "mxnet",
        "onnxruntime",
    }


def test_what_is_timed_is_the_real_work(settings):
    assert prepare_alignment(settings, Case("alignment", "cv2", 1, 1))().shape == (112, 112, 3)
    embeddings = prepare_embedding(settings, Case("embedding", "onnxruntime", 19, 1))()
    assert embeddings.shape == (19, 3)
    assert not np.allclose(embeddings[0], embeddings[1])
    np.testing.assert_allclose(embeddings[16:], embeddings[:3], rtol=1e-5)  # 16 faces, repeated


class Detector:
    """In place of MTCNN: what it was made of, and the photos it saw."""

    def __init__(self, weights, threads):
        self.arguments = (weights, threads)
        self.seen = []

    def detect(self, photo):
        self.seen.append(photo)
        return self


def test_detection_is_of_the_photo_that_is_named(settings, monkeypatch, tmp_path, rng):
    monkeypatch.setattr(timed_stages, "MTCNN", Detector)
    path, photo = tmp_path / "photo.png", rng.integers(0, 256, (30, 40, 3), np.uint8)
    path.write_bytes(encode_rgb(photo, ".png"))
    named = settings._replace(mtcnn="weights", photo=str(path))
    detector = prepare_detection(named, Case("detection", "onnxruntime", 1, 2))()
    assert detector.arguments == ("weights", 2)
    np.testing.assert_array_equal(detector.seen, [photo])
    (made_up,) = prepare_detection(settings, Case("detection", "onnxruntime", 1, 1))().seen
    assert made_up.shape == (768, 1024, 3)


def test_a_row_of_detection_says_which_photo(settings, monkeypatch):
    monkeypatch.setattr(timed_stages, "in_fresh_process", lambda threads, function, *arguments: function(*arguments))
    monkeypatch.setattr(timed_stages, "MTCNN", Detector)
    cases = list_cases(["detection", "alignment"], ["onnxruntime", "mxnet"], [1, 8], [1])
    assert [row["photo"] for row in timed_stages.measure_all(settings, cases)] == ["made up", ""]


def test_a_row_is_of_the_whole_batch(settings):
    row = measure(settings, Case("embedding", "onnxruntime", 8, 1))
    assert row["images_per_s"] == pytest.approx(8000 / row["median_ms"])
    assert 0 < row["median_ms"] <= row["p95_ms"]
    assert row["runs"] == 4


@pytest.mark.mxnet
def test_mxnet_is_timed_beside(settings, mx):
    row = measure(settings, Case("embedding", "mxnet", 2, 1))
    assert row["backend_version"] == mx.__version__
