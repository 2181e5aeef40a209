"""Small record sets for the tests of feeding, and runs of the trainer on one."""

import contextlib
import io

import cv2
import numpy as np
import pytest

from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.face_set_writer import create_face_set
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.verification_pack import write_pack
from insightrec.train import train


@pytest.fixture(scope="session")
def make_faces(tmp_path_factory):
    """Function ``(labels, size, num_classes, damaged) -> FaceRecordSet`` of random images, stored without a loss.

    ``damaged``: positions whose image is cut short.
    """

    def make(labels, size=(12, 10), num_classes=None, damaged=()):
        folder = tmp_path_factory.mktemp("faces") / "set"
        rng = np.random.default_rng(len(labels))
        with create_face_set(folder, num_classes=max(labels) + 1, image_size=size) as writer:
            for position, label in enumerate(labels):
                image = encode_rgb(rng.integers(0, 256, (*size, 3), np.uint8), ".png")
                writer.add(image[: 60 if position in damaged else None], label, f"{position}.png")
        faces = FaceRecordSet(folder)
        faces.num_classes = num_classes or faces.num_classes
        return faces

    return make


IDENTITIES, IMAGES = 8, 6  # of the set of patterns; each image is 28x28
PAIRS = 20


def pattern(identity, image):
    """A noisy image of an identity's colored pattern."""
    coarse = np.random.default_rng([1, identity]).integers(0, 256, (4, 4, 3), np.uint8)
    noise = np.random.default_rng([2, identity, image]).normal(0, 40, (28, 28, 3))
    return np.clip(cv2.resize(coarse, (28, 28), interpolation=cv2.INTER_CUBIC) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def pattern_set(tmp_path_factory):
    """Folder of an indexed set of patterns, and ``pattern.bin``, pairs of other images of the same identities."""
    folder = tmp_path_factory.mktemp("patterns")
    with create_face_set(folder, num_classes=IDENTITIES, image_size=(28, 28)) as writer:
        for number in range(IDENTITIES * IMAGES):
            identity, image = divmod(number, IMAGES)
            writer.add(encode_rgb(pattern(identity, image), ".png"), identity, f"{identity}/{image}.png")
    identities = [(pair % IDENTITIES, (pair + pair % 2 * 3) % IDENTITIES) for pair in range(PAIRS)]
    images = [pattern(identity, IMAGES + place) for pair in identities for place, identity in enumerate(pair)]
    write_pack(folder / "pattern.bin", [encode_rgb(image, ".png") for image in images], [a == b for a, b in identities])
    return folder


@pytest.fixture(scope="session")
def run_flags(pattern_set):
    """Flags of a run on the set of patterns that takes a second or so; those given later count."""
    return (
        f"--data-dir {pattern_set} --nfolds 5 --network s4 --emb-size 8 --per-batch-size 6 --lr 0.01 --threads 1"
    ).split()


@pytest.fixture(scope="session")
def run_training(run_flags):
    """``run(prefix, "--max-steps 3 ...") -> what it printed``: the trainer in this process."""

    def run(prefix, flags):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            train.main([*run_flags, "--prefix", str(prefix), *flags.split()])
        return printed.getvalue()

    return run


@pytest.fixture
def tiny_network(mx):
    """Function ``(*layers, devices=1, image_size=(2, 2)) -> FaceNetwork`` of these layers, initialized from seed 0."""
    from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
    from insightrec.train.networks.named_layers import Sequence

    class TinyNetwork(FaceNetwork):
        def __init__(self, layers):
            super().__init__()
            self.body = Sequence(*layers)

        def hybrid_forward(self, F, x):
            return self.body((x - PIXEL_MEAN) * PIXEL_SCALE)

    def make(*layers, devices=1, image_size=(2, 2)):
        mx.random.seed(0)
        network = TinyNetwork(layers)
        network.set_up(image_size, [mx.cpu(number) for number in range(devices)])
        return network

    return make
