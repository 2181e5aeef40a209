import contextlib
import itertools
import json

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ImageError, InputError, RecordError
from insightrec.train.augmentation import Augmentation
from insightrec.train.face_loader import FaceLoader
from insightrec.train.identity_bags import IdentityBags

triplet_batches = pytest.importorskip("insightrec.train.triplet_batches", reason="needs MXNet")
miner = pytest.importorskip("insightrec.train.triplet_miner", reason="needs MXNet")
TripletBatches = triplet_batches.TripletBatches
pytestmark = pytest.mark.mxnet

SIZE = (12, 10)
LABELS = np.repeat(np.arange(7), 5)
PER_BAG = 20  # images, of the 35: an identity is cut, and each bag has other ones


@pytest.fixture(scope="module")
def faces(make_faces):
    return make_faces(LABELS.tolist(), SIZE)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """A bag is several blocks, the last one smaller."""
    monkeypatch.setattr(triplet_batches, "EMBEDDED_AT_ONCE", 8)


class Embedder:
    """Random projections of the pixels; ``seed`` is what training changes. Blocks lie on two devices in turn."""

    def __init__(self, mx, seed=0):
        self.mx, self.seed = mx, seed

    def embed_on_devices(self, images):
        weight = np.random.default_rng(self.seed).normal(size=(images[0].size if len(images) else 1, 6))
        rows = np.split(images.reshape(len(images), -1) / 255 - 0.5, range(3, len(images), 3)) if len(images) else []
        return [self.mx.nd.array(part @ weight, ctx=self.mx.cpu(place % 2)) for place, part in enumerate(rows)]


def made(mx, faces, embedder=None, augmentation=None, batch_size=7, devices=2, alpha=0.6, bags=None, **options):
    """``TripletBatches`` of 2 triplets a device (7 // 3)."""
    return TripletBatches(
        FaceLoader(faces, SIZE, augmentation or Augmentation(mirror=False), threads=2),
        bags or IdentityBags(faces.identity_ranges, PER_BAG, 5, seed=4),
        embedder or Embedder(mx),
        batch_size,
        devices,
        {"alpha": alpha, "rule": "semi-hard", "max_ap": 0.0},
        seed=4,
        **options,
    )


def take(batches, count):
    """Positions, labels and pixels of the next batches, and the epoch after each; the pixels are copied."""
    with contextlib.closing(iter(batches)) as running:
        return [
            (images.positions.tolist(), images.labels.tolist(), images.images.tolist(), batches.epoch)
            for images in itertools.islice(running, count)
        ]


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_a_batch_is_device_by_device_anchors_positives_negatives(mx, faces, devices):
    for positions, labels, pixels, _ in take(made(mx, faces, devices=devices), 6):
        assert len(positions) == devices * 2 * 3
        assert labels == LABELS[positions].tolist()
        anchor, positive, negative = np.array(positions).reshape(devices, 3, 2).transpose(1, 0, 2)
        assert (LABELS[anchor] == LABELS[positive]).all()
        assert (anchor < positive).all() or (anchor != positive).all()
        assert (LABELS[anchor] != LABELS[negative]).all()
        np.testing.assert_array_equal(pixels, np.stack([faces[position][0] for position in positions]))


def test_triplets_are_the_miners_in_a_seeded_order_and_none_is_lost(mx, faces):
    """All that two bags give, but for what is still waiting."""
    batches, bags, embedder = made(mx, faces), IdentityBags(faces.identity_ranges, PER_BAG, 5, seed=4), Embedder(mx)
    given = []
    with contextlib.closing(iter(batches)) as running:
        for images in running:
            parts = images.positions.reshape(2, 3, 2).transpose(0, 2, 1).reshape(-1, 3)
            given += map(tuple, parts.tolist())
            if batches.epoch == 2:
                break
    waiting = list(map(tuple, batches.state()[1]["triplets"].tolist()))
    expected = []
    for number in range(batches.state()[0]["bag"]):
        positions, labels = bags.bag(number)
        pixels = np.stack([faces[position][0] for position in positions.tolist()])
        mined = triplet_batches.mine_triplets(embedder.embed_on_devices(pixels), labels, 0.6, seed=4, number=number)
        expected += map(tuple, positions[np.stack([mined.anchor, mined.positive, mined.negative], axis=1)].tolist())
    assert sorted(given + waiting) == sorted(expected)
    assert given + waiting != expected
    assert len(given) > 8


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_restored_run_goes_on_with_the_same_batches_although_the_network_has_moved_on(mx, faces, stop):
    """Also in the middle of a bag: what was mined earlier is not mined again with the changed network."""
    whole, embedder = made(mx, faces, first := Embedder(mx), Augmentation(cutoff=5)), Embedder(mx, seed=1)
    with contextlib.closing(iter(whole)) as running:
        for _ in range(stop):
            next(running)
        state, arrays = whole.state()
        state, arrays = json.loads(json.dumps(state)), {name: array.copy() for name, array in arrays.items()}
        first.seed = 1
        expected = [(images.positions.tolist(), images.images.tolist()) for images in itertools.islice(running, 8)]
    resumed = made(mx, faces, embedder, Augmentation(cutoff=5))
    resumed.restore(state, arrays)
    assert [(positions, pixels) for positions, _, pixels, _ in take(resumed, 8)] == expected


def test_a_queue_goes_to_another_number_of_devices(mx, faces):
    one = made(mx, faces)
    take(one, 1)
    state, arrays = one.state()
    assert len(arrays["triplets"]) >= 3
    other = made(mx, faces, devices=1, batch_size=9)
    other.restore(state, arrays)
    [(positions, *_)] = take(other, 1)
    assert np.array(positions).reshape(3, 3).T.tolist() == arrays["triplets"][:3].tolist()


def test_an_epoch_is_a_bag_used_up(mx, faces):
    batches, bags = made(mx, faces), []
    batches.report = lambda bag, statistics: bags.append(statistics.triplets)
    assert batches.epoch == 0
    epochs, mined = [], []
    with contextlib.closing(iter(batches)) as running:
        for _ in itertools.islice(running, 30):
            epochs.append(batches.epoch)
            mined.append(len(bags))
    ends = np.cumsum(bags)
    expected = [sum(end < 4 * (number + 1) for end in ends[:m]) for number, m in zip(range(1, 31), mined)]
    assert epochs == expected
    assert epochs[-1] >= 2


def test_bags_are_reported_by_number(mx, faces):
    batches, reported = made(mx, faces), []
    batches.report = lambda bag, statistics: reported.append((bag, statistics.pairs))
    take(batches, 12)
    assert [bag for bag, _ in reported] == list(range(len(reported)))
    assert all(pairs > 20 for _, pairs in reported)


def test_ten_bags_without_a_triplet_end_it(mx, faces):
    batches, bags = made(mx, faces, alpha=1e-6), []
    batches.report = lambda bag, statistics: bags.append(statistics.triplets)
    with pytest.raises(InputError, match="no triplet in 10 bags of images: .* raise --triplet-alpha"):
        take(batches, 1)
    assert bags == [0] * 10


def test_bags_without_a_triplet_are_counted_one_after_another(mx, faces, monkeypatch):
    """Nine of them, one with a single triplet, and so on: it goes on."""
    mine, numbers = triplet_batches.mine_triplets, []

    def seldom(embeddings, labels, alpha, number, **options):
        numbers.append(number)
        anchor, positive, negative, statistics = mine(embeddings, labels, alpha, number=number, **options)
        count = number % 10 == 9
        return miner.MinedTriplets(anchor[:count], positive[:count], negative[:count], statistics)

    monkeypatch.setattr(triplet_batches, "mine_triplets", seldom)
    assert len(take(made(mx, faces), 2)) == 2
    assert numbers == list(range(80))


def test_a_damaged_image_stops_it(mx, make_faces):
    faces = make_faces(LABELS.tolist(), SIZE, damaged=(3,))
    with pytest.raises(ImageError, match="record 4: "):
        take(made(mx, faces), 12)


def test_damaged_images_are_left_out_and_listed(mx, make_faces):
    damaged = {0, 1, 2, 3, 4, 9, 17, 30}  # the first identity has no other
    faces = make_faces(LABELS.tolist(), SIZE, damaged=damaged)
    batches = made(mx, faces, on_error="skip")
    given = take(batches, 12)
    assert not damaged & {position for positions, *_ in given for position in positions}
    assert all(labels == LABELS[positions].tolist() for positions, labels, *_ in given)
    assert set(batches.errors) == damaged
    assert all(isinstance(error, ImageError) for error in batches.errors.values())


def test_bags_of_damaged_images_alone_are_empty_ones(mx, make_faces):
    faces = make_faces(LABELS.tolist(), SIZE, damaged=range(len(LABELS)))
    with pytest.raises(InputError, match="no triplet in 10 bags"):
        take(made(mx, faces, on_error="skip"), 1)


def test_a_label_above_the_classes_stops_it_with_its_record(mx, make_faces):
    """A classifier beside the triplets would learn nothing of it, in silence."""
    faces = make_faces(LABELS.tolist(), SIZE, num_classes=3)
    with pytest.raises(RecordError, match="record [0-9]+: expected a label of 0 to num_classes - 1 = 2, found [3-6]"):
        take(made(mx, faces), 12)
