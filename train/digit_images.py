"""Handwritten digits to train a small embedding on: scikit-learn's, or MNIST's from its four files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from insightrec.recordio_tools.errors import RecordError
from insightrec.train.idx_file import read_idx

NUM_DIGITS = 10
HELD_OUT = 0.25  # share of scikit-learn's digits
INK = 16  # its darkest pixel
MIN_SIDE = 4  # pixels; the network halves the map at least once


class DigitImages(NamedTuple):
    """Images as uint8 RGB (N, H, W, 3), all channels equal, and labels as int64 (N,), 0 to 9.

    Every digit occurs both in the training set and among the held-out images.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def sklearn_digits(seed):
    """The 1797 digits of 8x8 pixels that scikit-learn ships, a quarter of each digit held out, drawn by ``seed``."""
    digits = load_digits()
    train, test = train_test_split(
        np.arange(len(digits.target)), test_size=HELD_OUT, stratify=digits.target, random_state=seed
    )
    images = _rgb(np.uint8(digits.images / INK * 255))
    labels = digits.target.astype(np.int64)
    return DigitImages(images[train], labels[train], images[test], labels[test])


def mnist_digits(folder):
    """MNIST's digits: its training set and, held out, its test set.

    Args:
        folder: with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and ``t10k-...`` of both kinds, each as
            it is or with ``.gz``.

    Raises:
        RecordError: a file is missing or damaged, or the files do not belong together.
    """
    digits = DigitImages(*_read_part(Path(folder), "train"), *_read_part(Path(folder), "t10k"))
    train_size, test_size = digits.train_images.shape[1:3], digits.test_images.shape[1:3]
    if train_size != test_size:
        raise RecordError(f"{folder}: expected images of one size, found {train_size} in train and {test_size} in t10k")
    return digits


def _read_part(folder, part):
    images_path, labels_path = (_find(folder / f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise RecordError(f"{labels_path}: expected {len(images)} labels, one an image, found {len(labels)}")
    if min(images.shape[1:]) < MIN_SIDE:
        raise RecordError(
            f"{images_path}: expected images of {MIN_SIDE} pixels a side or more, found {images.shape[1:]}"
        )
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(NUM_DIGITS)):
        raise RecordError(f"{labels_path}: expected every label of 0 to 9 and no other, found {found[:20].tolist()}")
    return _rgb(images), labels.astype(np.int64)


def _find(path):
    """The file of that name, else the one with ``.gz``."""
    compressed = path.with_name(path.name + ".gz")
    if not path.exists() and not compressed.exists():
        raise RecordError(f"{path}: expected MNIST's file, plain or with .gz, found none; give --mnist its folder")
    return path if path.exists() else compressed


def _rgb(gray):
    """uint8 (N, H, W) to (N, H, W, 3), a view."""
    return np.broadcast_to(gray[..., None], (*gray.shape, 3))
