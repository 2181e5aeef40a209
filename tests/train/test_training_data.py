from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError, RecordError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import RecordWriter
from insightrec.train.losses.loss_table import find_loss
from insightrec.train.stream_batches import StreamBatches
from insightrec.train.train_options import parse

training_data = pytest.importorskip("insightrec.train.training_data", reason="needs MXNet")
triplet_batches = pytest.importorskip("insightrec.train.triplet_batches", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

SIZE = (12, 10)
LABELS = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3]


@pytest.fixture(scope="module")
def faces(make_faces):
    return make_faces(LABELS, SIZE)


@pytest.fixture
def flat(tmp_path):
    """Folder of a set of three images that lists no identities and has no property file."""
    image = encode_rgb(np.zeros((*SIZE, 3), np.uint8), ".png")
    with open(tmp_path / "train.rec", "wb") as record, open(tmp_path / "train.idx", "wb") as index:
        writer = RecordWriter(record, index)
        for key, label in enumerate((4, 0, 2)):
            writer.write(key, pack_label(label, image, id=key))
    return tmp_path


def batches_of(faces, loss, line="", devices=1, worker=0, num_workers=1):
    args = parse(["--per-batch-size", "4", *line.split()])
    training = SimpleNamespace(
        faces=faces,
        worker=worker,
        num_workers=num_workers,
        devices=[None] * devices,
        global_batch=args.per_batch_size * devices * num_workers,
        image_size=SIZE,
        embedder=None,
    )
    return training_data.make_batches(find_loss(loss), args, training)


def first_of(batches):
    running = iter(batches)
    batch = next(running)
    running.close()
    return batch


def test_the_number_of_classes_is_that_of_property(faces):
    opened, classes = training_data.open_faces(str(faces.path.parent))
    assert (len(opened), classes) == (11, 4)


def test_the_number_of_classes_is_one_above_the_labels_without_property(flat):
    assert training_data.open_faces(str(flat))[1] == 5


def test_the_default_folder_is_the_current_one(faces, monkeypatch):
    monkeypatch.chdir(faces.path.parent)
    assert len(training_data.open_faces("")[0]) == 11


def test_a_folder_without_a_set_is_refused(tmp_path):
    with pytest.raises(RecordError, match="expected train.rec, found no .rec file"):
        training_data.open_faces(str(tmp_path))


def test_property_with_fewer_classes_than_identities_is_refused(make_faces):
    folder = make_faces([0, 1, 2]).path.parent
    (folder / "property").write_text("2,12,10\n")
    with pytest.raises(RecordError, match=r"property: expected 3 classes or more, .* found 2"):
        training_data.open_faces(str(folder))


def test_packs_are_looked_for_only_where_they_were_asked_for_or_are(tmp_path):
    def targets(*line):
        return training_data.training_targets(parse(["--data-dir", str(tmp_path), *line]))

    assert targets() == {}
    with pytest.raises(InputError, match="expected a verification pack of --target lfw"):
        targets("--target", "lfw")
    (tmp_path / "agedb_30.bin").touch()
    with pytest.warns(UserWarning, match="no such verification pack, skipped"):
        assert targets() == {"agedb_30": tmp_path / "agedb_30.bin"}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("devices", [1, 2])
def test_classes_are_fed_all_images(faces, devices, workers):
    seen = []
    for worker in range(workers):
        batches = batches_of(faces, "arcface", devices=devices, worker=worker, num_workers=workers)
        assert isinstance(batches, StreamBatches)
        batch = first_of(batches)
        assert batch.images.shape == (4 * devices, *SIZE, 3)
        seen += batch.positions.tolist()
    assert len(set(seen)) == min(len(seen), len(LABELS))


@pytest.mark.parametrize(("loss", "line"), [("arcface", ""), ("npair", "--images-per-identity 2")])
def test_small_identities_are_left_out(faces, loss, line):
    batches = batches_of(faces, loss, f"--images-filter 3 {line}")
    running = iter(batches)
    labels = {label for _ in range(8) for label in next(running).labels.tolist()}
    running.close()
    assert labels == {0, 3}


@pytest.mark.parametrize(
    ("loss", "line", "images"),
    [
        ("npair", "", 2),
        ("contrastive", "", 2),
        ("coco", "--per-batch-size 32", 16),
        ("marginal", "--per-batch-size 32", 16),
        ("coco", "--images-per-identity 4", 4),
    ],
)
def test_pairs_are_fed_identity_by_identity(faces, loss, line, images):
    batch = first_of(batches_of(faces, loss, line, devices=2))
    for labels in batch.labels.reshape(-1, images):
        assert len(set(labels.tolist())) == 1


def test_an_identity_is_not_torn_between_devices(faces):
    """3 images a device: two devices have 6, which 2 divides, but the second pair would lie on both."""
    message = "--per-batch-size 3: expected a multiple of --images-per-identity 2, .* give 2"
    for devices in (1, 2):
        with pytest.raises(InputError, match=message):
            batches_of(faces, "npair", "--per-batch-size 3", devices=devices)


@pytest.mark.parametrize("loss", ["npair", "triplet"])
def test_one_image_of_an_identity_makes_no_pair(faces, loss):
    with pytest.raises(InputError, match=f"--images-per-identity 1: expected 2 or more, {loss} learns from pairs"):
        batches_of(faces, loss, "--images-per-identity 1")


def test_triplets_come_from_bags(faces):
    batches = batches_of(faces, "triplet", "--triplet-bag-size 6 --per-batch-size 9", devices=2)
    assert isinstance(batches, triplet_batches.TripletBatches)


@pytest.mark.parametrize("loss", ["npair", "triplet"])
def test_a_set_without_identities_has_no_pairs(flat, loss):
    with pytest.raises(RecordError, match="expected an identity-indexed set, found a flat one"):
        batches_of(FaceRecordSet(flat), loss)


def test_a_label_above_the_classes_stops_it_with_its_record(make_faces):
    faces = make_faces([0, 1, 5], SIZE, num_classes=3)
    with pytest.raises(RecordError, match=r"record 3: expected a label of 0 to num_classes - 1 = 2, found 5"):
        first_of(batches_of(faces, "arcface"))
