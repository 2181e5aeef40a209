import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import ImageError, RecordError
from insightrec.train.augmentation import Augmentation, draw_images
from insightrec.train.face_feed import FaceFeed
from insightrec.train.identity_order import IdentityOrder
from insightrec.train.image_order import ImageOrder

SIZE = (12, 10)
LABELS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4]
DAMAGED = (2, 5, 6)
ALL = Augmentation(mirror=True, color=2, cutoff=4)


@pytest.fixture(scope="module")
def faces(make_faces):
    return make_faces(LABELS, SIZE)


@pytest.fixture(scope="module")
def damaged_faces(make_faces):
    return make_faces(LABELS, SIZE, damaged=DAMAGED)


def take(faces, order, count, augmentation=ALL, threads=2, seed=1, **options):
    """The next ``count`` batches, their images copied."""
    with FaceFeed(faces, order, augmentation, SIZE, threads, seed, **options) as feed:
        return [batch._replace(images=batch.images.copy()) for batch in itertools.islice(feed, count)]


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        for part, other_part in zip(one, other):
            np.testing.assert_array_equal(part, other_part)


def test_a_batch_is_what_order_and_augmentation_say(faces):
    order = ImageOrder(len(faces), 5, seed=3, worker=1, num_workers=2)
    for number, batch in enumerate(take(faces, order, 8)):
        positions = order.batch(10 * number)
        assert batch.positions.tolist() == positions.tolist()
        assert batch.labels.tolist() == [LABELS[position] for position in positions]
        assert batch.next_position == 10 * (number + 1)
        assert (batch.images.dtype, batch.images.shape) == (np.uint8, (5, *SIZE, 3))
        draws = draw_images(1, 10 * number + 5, 5)  # the second worker's images of the stream
        for place, position in enumerate(positions.tolist()):
            expected = np.empty((*SIZE, 3), np.uint8)
            ALL.apply(faces[position][0], draws, place, expected)
            np.testing.assert_array_equal(batch.images[place], expected)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 3), st.integers(1, 4), st.booleans())
def test_resumed_anywhere_the_feed_goes_on_as_it_would_have(
    faces, damaged_faces, batch_size, workers, done, threads, damage
):
    order = ImageOrder(len(faces), batch_size, 7, workers - 1, workers)
    chosen, options = (damaged_faces, {"on_error": "skip"}) if damage else (faces, {})
    whole = take(chosen, order, done + 2, threads=1, **options)
    first = whole[done - 1].next_position if done else 0
    assert_equal(take(chosen, order, 2, threads=threads, first_position=first, **options), whole[done:])


def test_an_image_is_augmented_alike_whatever_the_batch(faces):
    """Resumed with another batch size and several workers."""
    whole = take(faces, ImageOrder(len(faces), 24, seed=0), 1)[0]
    parts = [take(faces, ImageOrder(len(faces), 6, 0, worker, 2), 2) for worker in (0, 1)]
    found = np.concatenate([parts[worker][step].images for step in (0, 1) for worker in (0, 1)])
    np.testing.assert_array_equal(found, whole.images)


def test_a_damaged_image_is_raised_with_its_batch(damaged_faces):
    order = ImageOrder(len(LABELS), 1, seed=0)
    good = next(place for place in range(13) if order.batch(place)[0] in DAMAGED)
    with FaceFeed(damaged_faces, order, ALL, SIZE, 3, seed=0) as feed:
        assert len(list(itertools.islice(feed, good))) == good
        with pytest.raises(ImageError, match=rf"record {order.batch(good)[0] + 1}: image is cut short"):
            next(feed)
        with pytest.raises(StopIteration):
            next(feed)


@pytest.mark.parametrize("batch_size", [1, 4, 13, 30])
@pytest.mark.parametrize("threads", [1, 3])
def test_skipped_images_are_replaced_by_those_that_follow(damaged_faces, batch_size, threads):
    order = ImageOrder(len(LABELS), batch_size, seed=2)
    one_by_one = ImageOrder(len(LABELS), 1, seed=2)
    with FaceFeed(damaged_faces, order, Augmentation(mirror=False), SIZE, threads, 0, on_error="skip") as feed:
        for number, batch in enumerate(itertools.islice(feed, 40 // batch_size + 1)):
            end = (number + 1) * batch_size
            following = (one_by_one.batch(place)[0] for place in itertools.count(end))
            good = (position for position in following if position not in DAMAGED)
            asked = order.batch(end - batch_size).tolist()
            assert batch.positions.tolist() == [next(good) if each in DAMAGED else each for each in asked]
            assert batch.labels.tolist() == [LABELS[position] for position in batch.positions]
            assert batch.next_position == end
            for image, position in zip(batch.images, batch.positions.tolist()):
                np.testing.assert_array_equal(image, damaged_faces[position][0])
    assert set(feed.errors) == set(DAMAGED)
    assert all(f"record {position + 1}: " in str(error) for position, error in feed.errors.items())


def test_a_replacement_does_not_change_the_orders_own_positions(damaged_faces):
    class Fixed:
        batch_size, worker, num_workers = 13, 0, 1
        positions = np.arange(13)

        def batch(self, position):
            return self.positions

    take(damaged_faces, Fixed(), 2, on_error="skip")
    assert Fixed.positions.tolist() == list(range(13))


def test_a_set_without_a_good_image_ends(make_faces):
    faces = make_faces([0, 0, 1], SIZE, damaged=(0, 1, 2))
    with pytest.raises(RecordError, match="expected a good image to train on, found 3 damaged ones and no other"):
        take(faces, ImageOrder(3, 2, seed=0), 1, on_error="skip")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_labels_that_are_no_class_are_refused(make_faces, on_error):
    faces = make_faces(LABELS, SIZE, num_classes=4)
    message = r"record 1[23]: expected a label of 0 to num_classes - 1 = 3, found 4; correct num_classes in property"
    with pytest.raises(RecordError, match=message):
        take(faces, ImageOrder(len(faces), 4, seed=0), 4, on_error=on_error)


def test_identities_are_fed_alike(faces):
    order = IdentityOrder(faces.identity_ranges, 6, 2, seed=0)
    for number, batch in enumerate(take(faces, order, 5)):
        assert batch.positions.tolist() == order.batch(6 * number).tolist()
        assert (batch.labels[::2] == batch.labels[1::2]).all()


def test_threads_end_with_the_feed_and_with_an_interrupt(faces):
    before = threading.active_count()
    feed = FaceFeed(faces, ImageOrder(len(faces), 4, seed=0), ALL, SIZE, 4, seed=0)
    next(feed)
    assert threading.active_count() > before
    feed.close()
    feed.close()
    assert threading.active_count() == before

    class Interrupted(ImageOrder):
        def batch(self, position):
            if position == 4 * 400:
                raise KeyboardInterrupt
            return super().batch(position)

    feed = FaceFeed(faces, Interrupted(len(faces), 4, seed=0), ALL, SIZE, 4, seed=0)
    with pytest.raises(KeyboardInterrupt):
        list(feed)
    assert threading.active_count() == before
