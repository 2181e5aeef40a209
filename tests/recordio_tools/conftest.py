"""Small faces and record sets for the tests of records."""

import numpy as np
import pytest

from insightrec.recordio_tools.face_set_writer import create_face_set
from insightrec.recordio_tools.image_codec import encode_rgb


def make_face(seed, size=(112, 112), encoding=".jpg"):
    """An encoded random image that compresses: bytes."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), np.uint8)
    rows, columns = (np.arange(length) * 7 // length for length in size)
    return encode_rgb(coarse[rows][:, columns], encoding)


@pytest.fixture
def faces():
    """Function ``(seed, size, encoding) -> bytes`` of an encoded image."""
    return make_face


@pytest.fixture
def face_tree(tmp_path):
    """Folder of three identity folders with 2, 3 and 1 aligned faces."""
    root = tmp_path / "aligned"
    for identity, count in (("ann", 2), ("bob", 3), ("cleo", 1)):
        (root / identity).mkdir(parents=True)
        for number in range(count):
            (root / identity / f"{identity}_{number:04d}.jpg").write_bytes(make_face(hash((identity, number)) % 999))
    return root


@pytest.fixture
def face_set(tmp_path):
    """Function ``(labels, **options) -> folder`` that writes an indexed set of random faces."""

    def build(labels, name="set", **options):
        folder = tmp_path / name
        settings = {"num_classes": max(labels) + 1, "image_size": (112, 112), **options}
        with create_face_set(folder, **settings) as writer:
            for number, label in enumerate(labels):
                writer.add(make_face(number), label, f"{label}/{number}.jpg", aligned_flag=1.0)
        return folder

    return build
