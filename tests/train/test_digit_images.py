import gzip
import struct

import numpy as np
import pytest
from sklearn.datasets import load_digits

from insightrec.recordio_tools.errors import RecordError
from insightrec.train.digit_images import mnist_digits, sklearn_digits

TRAIN, TEST = 20, 10


def write_idx(path, array, store=bytes):
    array = np.asarray(array, np.uint8)
    path.write_bytes(
        store(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())
    )


def images(count, side=6):
    return np.random.default_rng(count).integers(0, 256, (count, side, side), np.uint8)


@pytest.fixture
def mnist(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images(TRAIN), gzip.compress)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(TRAIN) % 10)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images(TEST))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", 9 - np.arange(TEST), gzip.compress)
    return tmp_path


def test_mnists_four_files_plain_or_compressed(mnist):
    digits = mnist_digits(mnist)
    assert digits.train_images.shape == (TRAIN, 6, 6, 3)
    assert digits.train_images.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(digits.train_images[..., channel], images(TRAIN))
    np.testing.assert_array_equal(digits.test_images[..., 1], images(TEST))
    assert digits.train_labels.tolist() == list(range(10)) * 2
    assert digits.test_labels.tolist() == list(range(9, -1, -1))
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte", np.arange(19) % 10, "train-labels.*expected 20 labels, one an image, found 19"),
        ("train-labels-idx1-ubyte", np.arange(20) % 11, r"train-labels.*every label of 0 to 9 .* 9, 10\]"),
        ("train-labels-idx1-ubyte", np.arange(20) % 9, r"train-labels.*every label of 0 to 9 .* 7, 8\]"),
        ("t10k-images-idx3-ubyte", images(TEST, 5), r"one size, found \(6, 6\) in train and \(5, 5\) in t10k"),
        ("t10k-images-idx3-ubyte", images(TEST, 3), r"4 pixels a side or more, found \(3, 3\)"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(mnist, name, array, message):
    write_idx(mnist / name, array)
    with pytest.raises(RecordError, match=message):
        mnist_digits(mnist)


def test_a_missing_file_is_named(mnist):
    (mnist / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(RecordError, match="t10k-labels-idx1-ubyte: expected MNIST's file, .* found none"):
        mnist_digits(mnist)


def test_sklearns_digits_are_split_by_the_seed_and_none_is_lost():
    digits = sklearn_digits(3)
    everything = np.concatenate([digits.train_images, digits.test_images])[..., 0].reshape(-1, 64)
    shipped = np.floor(load_digits().images.reshape(-1, 64) * 255 / 16)
    np.testing.assert_array_equal(np.sort(everything.astype(int), axis=0), np.sort(shipped, axis=0))
    assert digits.test_images.shape == (450, 8, 8, 3)
    assert abs(np.bincount(digits.test_labels) - 45).max() <= 2
    np.testing.assert_array_equal(sklearn_digits(3).test_images, digits.test_images)
    assert (sklearn_digits(4).test_images != digits.test_images).any()
