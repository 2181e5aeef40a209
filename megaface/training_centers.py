"""The identities of a training set as directions: the mean of some of their images' features, of unit length."""

from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
from tqdm import tqdm

from insightrec.deploy.face_features import face_features
from insightrec.eval.pair_distance import normalized
from insightrec.recordio_tools.crop_size import decode_to_size
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_file import read_image


class TrainingIdentity(NamedTuple):
    """One person of a training set.

    name: what ``face2rec.py --exclude`` calls it: the folder, or the label of a record set. images: how many there
    are. read: function of a position, 0 to ``images - 1``, that gives ``(encoded image, source)``.
    """

    name: str
    images: int
    read: Callable


def training_identities(path):
    """The identities of a record set (a folder with ``train.rec``, or a ``.rec`` file), or of a folder of folders.

    Returns:
        list of `TrainingIdentity`.

    Raises:
        ListError, RecordError: neither is there, or the set is flat.
    """
    path = Path(path)
    if path.suffix == ".rec" or (path / "train.rec").is_file():
        faces = FaceRecordSet(path)
        ranges = (faces.identity_images(identity) for identity in range(faces.num_identities))
        return [_of_records(faces, images) for images in ranges if len(images)]
    rows = read_folders(path).rows
    folders = {}
    for row in rows:
        folders.setdefault(row.path.partition("/")[0], []).append(path / row.path)
    return [_of_files(name, files) for name, files in folders.items()]


def training_centers(identities, embedder, most_images):
    """The centre of each identity.

    Args:
        identities: list of `TrainingIdentity`.
        embedder: `Embedder`.
        most_images: of an identity, evenly spread over what it has.

    Returns:
        ``(centers, skipped)``: float64 (K, D), unit rows, zero for an identity without a usable image; and the list
        of `ImageError` of images that could not be read.
    """
    centers, skipped = np.zeros((len(identities), embedder.embedding_size)), []
    for center, identity in zip(centers, tqdm(identities, unit="identity", disable=None)):
        images, names = [], []
        for position in np.unique(np.linspace(0, identity.images - 1, most_images).round().astype(int)).tolist():
            try:
                data, source = identity.read(position)
                images.append(decode_to_size(data, embedder.image_size, source))
                names.append(str(source))
            except ImageError as error:
                skipped.append(error)
        if images:
            features = face_features(embedder, np.stack(images), mirror=True, names=names)
            center[:] = features.sum(axis=0)
    return normalized(centers), skipped


def _of_records(faces, images):
    def read(position):
        encoded, _, source = faces.encoded(images[position])
        return bytes(encoded), source

    return TrainingIdentity(str(faces.label(images[0])), len(images), read)


def _of_files(name, files):
    return TrainingIdentity(name, len(files), lambda position: (read_image(files[position])[0], files[position]))
