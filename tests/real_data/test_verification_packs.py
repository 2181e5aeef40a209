"""Packs as others wrote them: Python 2 strings with memo references, and pickled arrays."""

import hashlib
import pickle

import numpy as np
import pytest

from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.verification_pack import read_pack, write_pack

LFW_SHA256 = "ae5a04c1ef5273cfa0d940b5bd708e35b7db28cd124711e66803b326025e2681"


@pytest.fixture(scope="module")
def lfw(data):
    return data / "verification" / "lfw_a.bin"


def test_lfw(lfw):
    pack = read_pack(lfw)
    images, index = pack.distinct()
    assert (len(pack.images), len(pack.is_same), pack.is_same.sum(), len(images)) == (12000, 6000, 3000, 7701)
    # Ten folds of 300 same, then 300 different pairs.
    assert (pack.is_same.reshape(10, 2, 300) == [[True], [False]]).all()
    assert [images[place] for place in index] == pack.images
    assert decode_rgb(pack.images[0], "lfw_a.bin: image 0").shape == (112, 112, 3)


def test_lfw_is_what_python_unpickles(lfw):
    pack = read_pack(lfw)
    images, is_same = pickle.loads(lfw.read_bytes(), encoding="bytes")
    assert pack.images == images
    assert pack.is_same.tolist() == is_same


def test_writing_lfw_gives_the_file_back_byte_for_byte(lfw, tmp_path):
    pack = read_pack(lfw)
    facts = write_pack(tmp_path / "lfw.bin", pack.images, pack.is_same)
    assert facts["sha256"] == LFW_SHA256
    assert (tmp_path / "lfw.bin").read_bytes() == lfw.read_bytes()
    assert hashlib.sha256(lfw.read_bytes()).hexdigest() == LFW_SHA256


@pytest.mark.parametrize("protocol", [0, 2, 3, pickle.HIGHEST_PROTOCOL])
def test_lfw_as_the_other_packers_write_it(lfw, tmp_path, protocol):
    pack = read_pack(lfw)
    arrays = [np.frombuffer(image, np.uint8).reshape(-1, 1) for image in pack.images[:2000]]
    (tmp_path / "arrays.bin").write_bytes(pickle.dumps((arrays, list(pack.is_same[:1000])), protocol))
    again = read_pack(tmp_path / "arrays.bin")
    assert again.images == pack.images[:2000]
    assert (again.is_same == pack.is_same[:1000]).all()


def test_small_lfw_of_pickled_arrays(data):
    pack = read_pack(data / "verification" / "small_lfw.bin")
    assert pack.is_same.tolist() == [True] * 10
    assert len(pack.images) == 20
    for i, image in enumerate(pack.images):
        assert decode_rgb(image, f"image {i}").shape == (112, 112, 3)
