import contextlib
import itertools
import threading
import time

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ImageError
from insightrec.train.augmentation import Augmentation, draw_images
from insightrec.train.face_loader import FaceLoader, ImageList

SIZE = (12, 10)


@pytest.fixture(scope="module")
def faces(make_faces):
    return make_faces([0, 0, 1, 2, 2, 2, 3], SIZE, damaged=(3,))


def test_lists_of_any_length_come_in_order(faces):
    lists = [[0, 5, 5, 1], [6], [2, 0, 1, 4, 5, 6, 0, 2], [1, 2]] * 9
    loader = FaceLoader(faces, SIZE, Augmentation(), threads=3)
    for positions, loaded in itertools.zip_longest(lists, loader.load(ImageList(np.array(each)) for each in lists)):
        assert loaded.positions.tolist() == positions
        np.testing.assert_array_equal(loaded.images, np.stack([faces[position][0] for position in positions]))
        assert loaded.labels.tolist() == [faces[position][1] for position in positions]
        assert loaded.labels.dtype == np.int64
        assert not loaded.errors
    assert not list(loader.load([]))


def test_images_with_draws_are_augmented(faces):
    positions, draws = np.array([0, 1, 2] * 10), draw_images(0, 0, 30)
    [loaded] = FaceLoader(faces, SIZE, Augmentation(), threads=2).load([ImageList(positions, draws)])
    mirrored = draws.mirror < 0.5
    assert 5 < mirrored.sum() < 25
    for image, position, flip in zip(loaded.images, positions.tolist(), mirrored):
        np.testing.assert_array_equal(image, np.flip(faces[position][0], 1) if flip else faces[position][0])


def test_errors_stay_with_their_place(faces):
    lists = [ImageList(np.array(each)) for each in ([0, 1], [3, 2], [2, 3])]
    errors = [loaded.errors for loaded in FaceLoader(faces, SIZE, Augmentation(), threads=2).load(lists)]
    assert [list(each) for each in errors] == [[], [0], [1]]
    assert isinstance(errors[1][0], ImageError)
    assert "record 4: " in str(errors[1][0])


def test_images_of_the_same_proportions_are_scaled(faces):
    [loaded] = FaceLoader(faces, (6, 5), Augmentation(), threads=1).load([ImageList(np.array([0]))])
    blocks = faces[0][0].reshape(6, 2, 5, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(loaded.images[0], blocks, atol=0.51)
    [loaded] = FaceLoader(faces, (12, 12), Augmentation(), threads=1).load([ImageList(np.array([0]))])
    assert "expected an image of 12x12 (height x width) or a multiple of it, found 12x10" in str(loaded.errors[0])


def test_buffers_are_used_again_and_stay_whole_until_the_next(faces):
    lists = (ImageList(np.full(64, number % 3)) for number in itertools.count())
    expected = [np.stack([faces[position][0]] * 64) for position in range(3)]
    buffers = {}
    with contextlib.closing(FaceLoader(faces, SIZE, Augmentation(), threads=2).load(lists)) as loading:
        for number, loaded in enumerate(itertools.islice(loading, 60)):
            if number % 10 == 5:
                time.sleep(0.02)  # for the threads to run as far ahead as they may
            np.testing.assert_array_equal(loaded.images, expected[number % 3])
            buffers[loaded.images.ctypes.data] = loaded.images  # kept, lest another be allocated at its address
    assert 2 <= len(buffers) <= 8


def test_closing_stops_the_threads(faces):
    before = threading.active_count()
    loading = FaceLoader(faces, SIZE, Augmentation(), threads=4).load(
        ImageList(np.zeros(64, int)) for _ in iter(int, 1)
    )
    next(loading)
    assert threading.active_count() > before
    loading.close()
    assert threading.active_count() == before
