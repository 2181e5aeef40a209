import numpy as np
import pytest
from stand_ins.pixel_embedder import PixelEmbedder

from insightrec.eval.pair_distance import normalized
from insightrec.megaface.training_centers import training_centers, training_identities
from insightrec.recordio_tools import face2rec
from insightrec.recordio_tools.errors import ListError, RecordError
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb


@pytest.fixture
def folders(tmp_path):
    """Identities ann (5 images), bob (1) of 16x16; returns the root and the decoded images."""
    rng, images = np.random.default_rng(0), {}
    for name, count in (("ann", 5), ("bob", 1)):
        (tmp_path / "aligned" / name).mkdir(parents=True)
        for place in range(count):
            data = encode_rgb(rng.integers(0, 256, (16, 16, 3), np.uint8))
            (tmp_path / "aligned" / name / f"{place}.jpg").write_bytes(data)
            images.setdefault(name, []).append(decode_rgb(data, "made"))
    return tmp_path / "aligned", images


def center(images):
    """Of some images, by the formulas."""
    features = []
    for image in images:
        both = (image.astype(float) - 127.5).ravel() + (image[:, ::-1].astype(float) - 127.5).ravel()
        features.append(both / np.linalg.norm(both))
    return normalized(np.sum(features, axis=0)[None])[0]


def test_of_folders(folders):
    root, images = folders
    identities = training_identities(root)
    assert [(each.name, each.images) for each in identities] == [("ann", 5), ("bob", 1)]
    centers, skipped = training_centers(identities, PixelEmbedder(), 3)
    assert not skipped
    chosen = [images["ann"][place] for place in (0, 2, 4)]  # evenly spread, first and last among them
    np.testing.assert_allclose(centers, [center(chosen), center(images["bob"])], atol=1e-6)


def test_of_a_record_set_the_same_by_label(folders):
    root, _ = folders
    face2rec.main(["--root", str(root), "--image-size", "16,16"])
    identities = training_identities(root.parent)
    assert [(each.name, each.images) for each in identities] == [("0", 5), ("1", 1)]
    expected, _ = training_centers(training_identities(root), PixelEmbedder(), 5)
    np.testing.assert_array_equal(training_centers(identities, PixelEmbedder(), 5)[0], expected)
    with pytest.raises((ListError, RecordError)):
        training_identities(root / "ann")


def test_images_that_cannot_be_read_are_listed(folders):
    root, images = folders
    (root / "bob" / "0.jpg").write_bytes(b"no image")
    (root / "ann" / "0.jpg").write_bytes(b"")
    centers, skipped = training_centers(training_identities(root), PixelEmbedder(), 10)
    assert [str(error).split(":")[0] for error in skipped] == [str(root / "ann" / "0.jpg"), str(root / "bob" / "0.jpg")]
    np.testing.assert_allclose(centers, [center(images["ann"][1:]), np.zeros(768)], atol=1e-6)
