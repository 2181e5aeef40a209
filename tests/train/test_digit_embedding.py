import cv2
import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.class_angles import class_angles
from insightrec.train.digit_images import sklearn_digits
from insightrec.train.digit_losses import digit_options
from insightrec.train.losses.loss_table import ENTRIES, find_loss, make_loss

digit_embedding = pytest.importorskip("insightrec.train.digit_embedding", reason="needs MXNet")
train_digit_embedding, num_steps = digit_embedding.train_digit_embedding, digit_embedding.num_steps
pytestmark = pytest.mark.mxnet

CLASS_LOSSES = [entry.name for entry in ENTRIES if entry.kind == "classes"]


@pytest.fixture(scope="module")
def digits():
    return sklearn_digits(0)


@pytest.fixture(scope="module")
def few_digits(digits):
    return type(digits)(*(array[:130] for array in digits))


def trained(name, digits, epochs, seed=0, after_step=lambda: None):
    entry = find_loss(name)
    return train_digit_embedding(make_loss(entry, digit_options(entry, seed)), digits, epochs, seed, after_step)


def test_classes_spread_less_in_angle_under_arcface_than_under_softmax(digits):
    softmax, arcface = (trained(name, digits, epochs=10) for name in ("softmax", "arcface"))
    spread = [class_angles(result.embeddings, result.labels).within for result in (softmax, arcface)]
    assert spread[1] < 0.9 * spread[0]
    assert min(softmax.accuracy, arcface.accuracy) > 0.85
    assert softmax.weights is None
    assert arcface.weights.shape == (10, 2)
    cosine = arcface.embeddings @ (arcface.weights / np.linalg.norm(arcface.weights, axis=1, keepdims=True)).T
    assert (cosine.argmax(axis=1) == arcface.labels).mean() == pytest.approx(arcface.accuracy, abs=1e-6)


def test_the_seed_decides(few_digits):
    results = [trained("arcface", few_digits, epochs=1, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(results[0].embeddings, results[1].embeddings)
    assert (results[0].embeddings != results[2].embeddings).all()


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_every_class_loss_takes_its_steps(name, few_digits):
    steps = []
    result = trained(name, few_digits, epochs=2, after_step=lambda: steps.append(None))
    assert len(steps) == num_steps(few_digits, 2) == 5  # 260 images in batches of 64
    assert result.embeddings.shape == (130, 2)
    assert result.embeddings.dtype == np.float32
    assert 0 <= result.accuracy <= 1


def test_a_training_that_diverges_is_refused(few_digits, monkeypatch):
    monkeypatch.setattr(digit_embedding, "LEARNING_RATE", 1e30)
    with pytest.raises(InputError, match="Softmax: the training diverged; give another --seed"):
        trained("softmax", few_digits, epochs=1)


def test_larger_images_train_too(digits):
    """Of MNIST's size; a dense layer on a map that grows with the image would diverge."""

    def enlarged(images):
        return np.stack([cv2.resize(image, (28, 28)) for image in images])

    digits = digits._replace(
        train_images=enlarged(digits.train_images[:640]),
        train_labels=digits.train_labels[:640],
        test_images=enlarged(digits.test_images[:100]),
        test_labels=digits.test_labels[:100],
    )
    assert trained("softmax", digits, epochs=4).accuracy > 0.2  # chance is 0.1
