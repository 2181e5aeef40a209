import itertools

import numpy as np

from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.train.augmentation import Augmentation
from insightrec.train.face_feed import FaceFeed
from insightrec.train.image_order import ImageOrder


def test_the_feed_gives_lfw60(data):
    """Every image of an epoch is its file's, or its mirror image, with the label of the list."""
    faces = FaceRecordSet(data / "records" / "lfw60")
    listed = [line.split("\t") for line in faces.path.with_suffix(".lst").read_text().splitlines()]
    seen, mirrored = [], 0
    with FaceFeed(faces, ImageOrder(len(faces), 4, seed=0), Augmentation(), (112, 112), 2, seed=0) as feed:
        for batch in itertools.islice(feed, len(faces) // 4):
            seen += batch.positions.tolist()
            for image, label, position in zip(batch.images, batch.labels, batch.positions):
                _, path, listed_label = listed[position]
                file = decode_rgb((faces.path.parent / path).read_bytes(), path)
                flipped = not np.array_equal(image, file)
                np.testing.assert_array_equal(image, np.flip(file, 1) if flipped else file)
                assert label == int(listed_label)
                mirrored += flipped
    assert sorted(seen) == list(range(692))
    assert 250 < mirrored < 442
