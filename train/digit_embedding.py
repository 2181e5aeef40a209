"""A 2-dimensional embedding of digits, trained with a class loss by the parts of the face trainer."""

import math
from typing import NamedTuple, Optional

import numpy as np

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError
from insightrec.train.digit_images import NUM_DIGITS
from insightrec.train.image_order import ImageOrder
from insightrec.train.losses.class_head import ClassHead
from insightrec.train.losses.sphereface import SphereFace
from insightrec.train.margin_warmup import MarginWarmup
from insightrec.train.network_embedder import NetworkEmbedder
from insightrec.train.networks.face_network import PIXEL_MEAN, PIXEL_SCALE, FaceNetwork
from insightrec.train.networks.named_layers import Activation, BatchNorm, Convolution, FullyConnected, Sequence
from insightrec.train.objectives import ClassObjective
from insightrec.train.parameter_update import ParameterUpdate
from insightrec.train.training_step import TrainingStep

mx = import_mxnet()

EMBEDDING_SIZE = 2  # what can be drawn
CHANNELS, MOST_CHANNELS = 32, 128  # of the first convolution, doubled with every halving of the map, and at most
LAST_SIDE = 2  # pixels of the map that is left; the step size of the dense layer suits its 4 x 128 inputs
BATCH_SIZE = 64
LEARNING_RATE = 0.05  # at the start, from which it falls along half a cosine
WEIGHT_DECAY = 0.005
START_SHARE = 0.6  # of the steps, for modified softmax
FREE_SHARE, GROWING_SHARE = 0.1, 0.4  # of the other steps: without the margin, and with a growing one


class DigitEmbedding(NamedTuple):
    """Held-out digits under a trained network.

    embeddings: float32 (N, 2), not normalised. labels: int64 (N,). accuracy: share of them that the trained classifier
    recognises. weights: its class weights, float32 (10, 2), where only their direction counts, else None.
    """

    embeddings: np.ndarray
    labels: np.ndarray
    accuracy: float
    weights: Optional[np.ndarray]


class DigitNetwork(FaceNetwork):
    """Convolutions of 3x3, all but the first of stride 2, until 2 pixels a side are left, and a dense layer.

    side: shorter side of the images, pixels; 3 convolutions for 8, 5 for 28.
    """

    def __init__(self, side):
        super().__init__()
        layers, channels, stride = [], CHANNELS, 1
        for number in range(1, 2 + math.ceil(math.log2(side / LAST_SIDE))):
            layers += [
                Convolution(f"conv{number}", channels, kernel=3, stride=stride, pad=1),
                BatchNorm(f"bn{number}"),
                Activation(f"relu{number}", "prelu"),
            ]
            channels, stride = min(2 * channels, MOST_CHANNELS), 2
        self.body = Sequence(*layers)
        self.head = FullyConnected("fc1", EMBEDDING_SIZE)

    def hybrid_forward(self, F, x):
        return self.head(self.body((x - PIXEL_MEAN) * PIXEL_SCALE))


def num_steps(digits, epochs):
    """Steps in which `train_digit_embedding` sees the training images ``epochs`` times, rounded up."""
    return math.ceil(len(digits.train_labels) * epochs / BATCH_SIZE)


def train_digit_embedding(loss, digits, epochs, seed, after_step):
    """Train a `DigitNetwork` on one CPU context and embed the held-out digits.

    On a circle a class cannot get past its neighbours but through the origin, so a loss of unit embeddings keeps
    whatever order of the classes chance has begun. Losses of unit class weights therefore start with modified softmax
    (Liu et al., CVPR 2017, eq. 4), which leaves embeddings their length, for `START_SHARE` of the same steps.

    Args:
        loss: a `ClassLoss`.
        digits: `DigitImages`.
        epochs: how often every training image is seen, on average.
        seed: of the initial weights and the order of the images, 0 or more.
        after_step: called without arguments after every step.

    Returns:
        `DigitEmbedding`.

    Raises:
        InputError: the training diverged.
    """
    mx.random.seed(seed)
    device = mx.cpu()
    image_size = digits.train_images.shape[1:3]
    network = DigitNetwork(min(image_size))
    network.set_up(image_size, [device])
    network.hybridize()
    order = ImageOrder(len(digits.train_labels), BATCH_SIZE, seed)
    steps = num_steps(digits, epochs)
    start = int(START_SHARE * steps) if loss.normalize_weight else 0
    warmup = MarginWarmup(*(int(share * (steps - start)) for share in (FREE_SHARE, GROWING_SHARE)))
    modified_softmax = SphereFace(multiple=1, beta=0, beta_min=0)
    head = None
    for stage_loss, stage_warmup, first, end in (
        (modified_softmax, MarginWarmup(), 0, start),
        (loss, warmup, start, steps),
    ):
        head = _head(stage_loss, network.initializer, device, head)
        training_step = _training_step(network, head, stage_warmup, device, seed)
        for step in range(first, end):
            batch = order.batch(step * BATCH_SIZE)
            rate = LEARNING_RATE / 2 * (1 + math.cos(math.pi * step / steps))
            training_step(digits.train_images[batch], digits.train_labels[batch], step - first + 1, rate)
            after_step()
    return _held_out(network, head, digits, device)


def _head(loss, initializer, device, former):
    """A head that starts from the class weights of the ``former`` one, if there is one."""
    head = ClassHead(loss, NUM_DIGITS, EMBEDDING_SIZE)
    head.initialize(initializer, ctx=device)
    if former:
        head.weight.set_data(former.weight.data())
    return head


def _training_step(network, head, warmup, device, seed):
    update = ParameterUpdate({**network.collect_params(), **head.collect_params()}, wd=WEIGHT_DECAY)
    return TrainingStep(network, ClassObjective(head, warmup), [update], [device], seed=seed)


def _held_out(network, head, digits, device):
    embeddings = NetworkEmbedder(network, [device], digits.test_images.shape[1:3]).embed(digits.test_images)
    if not np.isfinite(embeddings).all():
        raise InputError(f"{type(head.loss).__name__}: the training diverged; give another --seed or fewer --epochs")
    arrays = [mx.nd.array(array, ctx=device) for array in (embeddings, digits.test_labels)]
    correct = head.forward(*arrays).correct.mean().asscalar()
    weights = head.arrays()["fc7_weight"] if head.loss.normalize_weight else None
    return DigitEmbedding(embeddings, digits.test_labels, float(correct), weights)
