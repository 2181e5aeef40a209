import os

import cv2
import numpy as np
import pytest

from insightrec.megaface.feature_run import FeatureRun, run_features
from insightrec.recordio_tools.errors import ImageError, InputError

SIZE = (4, 5)
COUNT = 23


class Models:
    """Stands for `JoinedModels`; notes its batches, and lets a feature tell its batch's size and the place in it."""

    image_size = SIZE

    def __init__(self):
        self.batches = []

    def features(self, images, names):
        assert images.shape[1:] == (*SIZE, 3)
        assert len(images) == len(names)
        self.batches.append(names)
        mean = images.mean((1, 2, 3))
        return np.stack([mean, np.arange(len(images)), np.full(len(images), len(images))], axis=1)


class Writer:
    """Stands for `StoreWriter`."""

    def __init__(self, rows=()):
        self.rows = dict(rows)

    @property
    def paths(self):
        return list(self.rows)

    def append(self, paths, rows):
        assert len(paths) == len(rows) > 0
        assert not self.rows.keys() & paths
        self.rows.update((path, tuple(row)) for path, row in zip(paths, rows))


@pytest.fixture
def images(tmp_path):
    files = {f"{number}.png": str(tmp_path / f"{number}.png") for number in range(COUNT)}
    for number, file in enumerate(files.values()):
        cv2.imwrite(file, np.full((*SIZE, 3), 10 * number, np.uint8))
    return files


def run(images, writer, models=None, batch_size=4):
    return run_features(models or Models(), images, writer, name="set", batch_size=batch_size, threads=3)


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
def test_every_image_in_batches_by_its_place(images, batch_size):
    writer = Writer()
    assert run(images, writer, batch_size=batch_size) == FeatureRun(COUNT, 0, {})
    assert writer.paths == list(images)
    for number, row in enumerate(writer.rows.values()):
        last = number >= COUNT // batch_size * batch_size
        assert row == (10 * number, number % batch_size, COUNT % batch_size if last else batch_size)


def test_whatever_is_there_the_rows_are_those_of_one_run(images):
    whole = Writer()
    run(images, whole)
    rng = np.random.default_rng(2)
    for share in (0, 0.1, 0.5, 0.9, 1):
        kept = {path: row for path, row in whole.rows.items() if rng.random() < share}
        writer = Writer(kept)
        models = Models()
        assert run(images, writer, models) == FeatureRun(COUNT - len(kept), len(kept), {})
        assert writer.rows == whole.rows
        batches = [list(images)[start : start + 4] for start in range(0, COUNT, 4)]
        wanted = [[images[path] for path in batch] for batch in batches if not kept.keys() >= set(batch)]
        assert models.batches == wanted  # and no batch that is there already


def test_rows_of_other_images_are_not_counted(images):
    assert run(images, Writer({"other.png": (0, 0, 0)})) == FeatureRun(COUNT, 0, {})


def test_images_that_cannot_be_read_change_no_other(images, tmp_path):
    whole = Writer()
    run(images, whole)
    (tmp_path / "0.png").unlink()
    (tmp_path / "6.png").write_bytes(b"no image")
    for number in range(8, 12):  # a whole batch
        (tmp_path / f"{number}.png").write_bytes((tmp_path / f"{number}.png").read_bytes()[:50])
    cv2.imwrite(str(tmp_path / "22.png"), np.zeros((SIZE[0] * 2, SIZE[1], 3), np.uint8))
    lost = [f"{number}.png" for number in (0, 6, 8, 9, 10, 11, 22)]
    writer = Writer()
    found = run(images, writer)
    assert (found.computed, found.there_before, list(found.unreadable)) == (COUNT - len(lost), 0, lost)
    assert writer.rows == {path: row for path, row in whole.rows.items() if path not in lost}
    assert all(isinstance(error, ImageError) for error in found.unreadable.values())
    assert str(found.unreadable["0.png"]).startswith(f"{tmp_path}/0.png: cannot be read (No such file or directory)")
    assert "expected an image of 4x5 (height x width) or a multiple of it, found 8x5" in str(found.unreadable["22.png"])


@pytest.mark.parametrize("hopeless", [6, 1000])
def test_a_run_without_one_image_that_can_be_read_stops_early(images, tmp_path, monkeypatch, hopeless):
    monkeypatch.setattr("insightrec.megaface.feature_run._HOPELESS", hopeless)
    readable = images["7.png" if hopeless == 6 else "22.png"]
    for file in images.values():
        if file != readable:
            os.unlink(file)
    assert len(run(images, Writer()).unreadable) == COUNT - 1  # one of those looked at can be read
    whole = {path: (0, 0, 0) for path in images if images[path] == readable}
    os.unlink(readable)
    tried = {6: 8, 1000: COUNT}[hopeless]
    with pytest.raises(
        InputError, match=rf"none among the first {tried} that can be read: \S*/0.png: .*; check --set-"
    ):
        run(images, Writer())
    assert len(run(images, Writer(whole)).unreadable) == COUNT - 1


def test_an_image_whose_feature_is_there_need_not_be(images, tmp_path):
    whole = Writer()
    run(images, whole)
    (tmp_path / "5.png").unlink()
    writer = Writer({path: row for path, row in whole.rows.items() if path != "6.png"})
    assert run(images, writer) == FeatureRun(1, COUNT - 1, {})
    assert writer.rows == whole.rows


def test_nothing_to_do(images):
    writer = Writer(dict.fromkeys(images, (0, 0, 0)))
    models = Models()
    assert run(images, writer, models) == FeatureRun(0, COUNT, {})
    assert models.batches == []
