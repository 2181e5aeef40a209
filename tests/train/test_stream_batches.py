import contextlib
import itertools
import json

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ImageError
from insightrec.train.augmentation import Augmentation
from insightrec.train.image_order import ImageOrder
from insightrec.train.stream_batches import StreamBatches

SIZE = (12, 10)


@pytest.fixture(scope="module")
def faces(make_faces):
    return make_faces([0, 0, 1, 1, 1, 2, 2], SIZE)


def stream(faces, worker=0, num_workers=1, **options):
    order = ImageOrder(len(faces), 3, 5, worker, num_workers)
    feeding = {"augmentation": Augmentation(cutoff=4), "image_size": SIZE, "threads": 2, "seed": 5, **options}
    return StreamBatches(faces, order, **feeding)


def take(batches, count):
    """Positions, labels and pixels of the next batches, and the epoch after each."""
    with contextlib.closing(iter(batches)) as running:
        return [
            (batch.positions.tolist(), batch.labels.tolist(), batch.images.tolist(), batches.epoch)
            for batch in itertools.islice(running, count)
        ]


@pytest.mark.parametrize("stop", [0, 1, 2, 5])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_restored_stream_goes_on_with_the_same_batches(faces, workers, stop):
    whole = take(stream(faces, workers - 1, workers), 8)
    first = stream(faces, workers - 1, workers)
    assert take(first, stop) == whole[:stop]
    state, arrays = first.state()
    second = stream(faces, workers - 1, workers)
    second.restore(json.loads(json.dumps(state)), arrays)
    assert take(second, 8 - stop) == whole[stop:]


def test_a_batch_that_was_decoded_but_not_given_is_given_again(faces):
    batches = stream(faces)
    running = iter(batches)
    next(running)
    assert batches.state() == ({"position": 3}, {})
    running.close()


def test_epochs_are_over_once_every_image_was_given(faces):
    """7 images, 3 a batch: 3, 6, 9, 12, 15 images given."""
    batches = stream(faces)
    assert batches.epoch == 0
    given = take(batches, 5)
    assert [epoch for *_, epoch in given] == [0, 0, 1, 1, 2]
    positions = np.concatenate([positions for positions, *_ in given])
    assert sorted(positions[:7]) == sorted(positions[7:14]) == list(range(7))
    assert [epoch for *_, epoch in take(stream(faces, 0, 2), 3)] == [0, 1, 2]


def test_damaged_images_are_raised_or_listed(make_faces):
    faces = make_faces([0, 0, 1, 1], SIZE, damaged=(2,))
    with pytest.raises(ImageError, match="record 3"):
        take(stream(faces), 4)
    batches = stream(faces, on_error="skip")
    assert all(2 not in positions for positions, *_ in take(batches, 4))
    assert list(batches.errors) == [2]
