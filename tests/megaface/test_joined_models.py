import numpy as np
import pytest

from insightrec.megaface.joined_models import JoinedModels, find_joined_models
from insightrec.recordio_tools.errors import ModelError

SIZE = (4, 5)


class Linear:
    """An embedder: a matrix times the pixels."""

    def __init__(self, seed, dimension, image_size=SIZE):
        self.name = f"linear{seed}"
        self.image_size = image_size
        self.embedding_size = dimension
        self.weights = np.random.default_rng(seed).standard_normal((3 * image_size[0] * image_size[1], dimension))

    def embed(self, images):
        return (images.reshape(len(images), -1) @ self.weights).astype(np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (6, *SIZE, 3), np.uint8)


def unit(vector):
    return vector / np.sqrt(sum(number * number for number in vector))


@pytest.mark.parametrize("dimensions", [[7], [7, 3], [4, 4, 2]])
def test_each_of_unit_length_then_all(images, dimensions):
    embedders = [Linear(seed, dimension) for seed, dimension in enumerate(dimensions)]
    embedders[-1].weights *= 1000  # a model of long embeddings counts no more than the others
    models = JoinedModels(embedders)
    assert (models.image_size, models.dimension) == (SIZE, sum(dimensions))
    found = models.features(images, list("abcdef"))
    assert found.shape == (6, sum(dimensions))
    for row, image in zip(found, images):
        parts = []
        for embedder in embedders:
            both = embedder.embed(np.stack([image, image[:, ::-1]])).astype(np.float64)
            parts.extend(unit(both[0] + both[1]))
        np.testing.assert_allclose(row, unit(parts), rtol=1e-12)


@pytest.mark.parametrize("wrong", [0, np.nan, np.inf])
def test_the_image_without_a_feature_is_named(images, wrong):
    class Failing(Linear):
        def embed(self, images):
            embeddings = super().embed(images)
            embeddings[(images == 7).all((1, 2, 3))] = wrong
            return embeddings

    images[4] = 7
    models = JoinedModels([Linear(0, 3), Failing(1, 3)])
    with pytest.raises(ModelError, match=r"^e\.png: expected an embedding of finite numbers, not all zero"):
        models.features(images, [f"{letter}.png" for letter in "abcdef"])


def test_an_error_of_the_batch_stays_what_it_is(images):
    class Small(Linear):
        def embed(self, images):
            if len(images) > 1:
                raise ModelError("out of memory")
            return super().embed(images)

    with pytest.raises(ModelError, match="^out of memory$"):
        JoinedModels([Small(0, 3)]).features(images, list("abcdef"))


def test_models_of_different_image_sizes():
    with pytest.raises(
        ModelError, match=r"^linear1: expected images of 4x5 \(height x width\) as linear0 takes, found 6x5;"
    ):
        JoinedModels([Linear(0, 3), Linear(1, 3, (6, 5))])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,0", ["a-0000"]),
        ("a,0|b,12", ["a-0000", "b-0012"]),
        ("a,0|1", ["a-0000", "a-0001"]),
        ("c.onnx", ["c"]),
        ("c.onnx|a,0|1|b,12", ["c", "a-0000", "a-0001", "b-0012"]),
        ("a,1|a,1", ["a-0001", "a-0001"]),
    ],
)
def test_the_models_of_a_text(tmp_path, monkeypatch, text, names):
    monkeypatch.chdir(tmp_path)
    for name in ("a-symbol.json", "b-symbol.json", "a-0000.params", "a-0001.params", "b-0012.params", "c.onnx"):
        (tmp_path / name).touch()
    assert [files.name for files in find_joined_models(text)] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,0|2", "a-0002.params: no such file"),
        ("a,0|b,0", "b-symbol.json: no such file"),
        ("a", r"a: expected one model, found 2 \(a-0001, a-0000\); give prefix,epoch"),
        ("c.onnx|1", "1-symbol.json: no such file"),
        ("a,0|", "expected prefix,epoch, a prefix or an .onnx file, found no file name"),
        ("", "found no file name"),
    ],
)
def test_texts_that_name_no_models(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    for name in ("a-symbol.json", "a-0000.params", "a-0001.params", "c.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=message):
        find_joined_models(text)
