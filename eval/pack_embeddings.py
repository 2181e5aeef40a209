"""A verification pack through a model: every distinct image once as it is and once mirrored."""

import contextlib
import itertools
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from insightrec.eval.pair_distance import check_finite, normalized
from insightrec.recordio_tools.crop_size import decode_to_size
from insightrec.recordio_tools.ordered_pool import ordered_map
from insightrec.recordio_tools.usable_cores import usable_cores

BLOCK_IMAGES = 256  # embedded at a time, while the next are decoded: 10 MB at 112x112


@dataclass(frozen=True)
class PackEmbeddings:
    """Embeddings of the U distinct images of a pack of P pairs.

    original, mirrored: float32 (U, D), not normalised; mirrored is of the image flipped left to right.
    index: int (2P,), the distinct image at each place of the pack; pair i is places 2i and 2i + 1.
    is_same: bool (P,).
    """

    original: np.ndarray
    mirrored: np.ndarray
    index: np.ndarray
    is_same: np.ndarray

    def xnorm(self):
        """Mean L2 norm over all 2P places and both copies."""
        norm = np.linalg.norm(self.original.astype(np.float64), axis=1)
        norm += np.linalg.norm(self.mirrored.astype(np.float64), axis=1)
        return float(norm[self.index].mean() / 2)

    def unit(self, flip):
        """Unit vectors at the 2P places, float64 (2P, D): of original + mirrored if ``flip``, else of original."""
        embedding = self.original.astype(np.float64)
        if flip:
            embedding += self.mirrored
        return normalized(embedding)[self.index]


def embed_pack(embedder, pack, source):
    """Embed the distinct images of ``pack`` and their mirror images.

    Memory beyond the encoded pack and the embeddings is a block of `BLOCK_IMAGES` decoded images, and as many as
    `ordered_map` decodes ahead.

    Args:
        embedder: has ``image_size`` (H, W) and ``embed``: uint8 RGB (N, H, W, 3) -> float32 (N, D).
        pack: a `VerificationPack`.
        source: what to call the pack in an error, e.g. ``"lfw.bin"``.

    Raises:
        ImageError: an image cannot be decoded, or has another shape than the model's input.
        ModelError: an embedding is not finite.
    """
    encoded, index = pack.distinct()
    places = np.unique(index, return_index=True)[1]  # where each distinct image comes first, for errors
    original, mirrored = [], []
    progress = tqdm(total=len(encoded), desc=str(source), unit="image", disable=None)

    def decode(number):
        return decode_to_size(encoded[number], embedder.image_size, f"{source}: image {places[number]}")

    images = ordered_map(decode, range(len(encoded)), usable_cores())
    with progress, contextlib.closing(images):
        while block := list(itertools.islice(images, BLOCK_IMAGES)):
            pixels = np.stack(block)
            original.append(embedder.embed(pixels))
            mirrored.append(embedder.embed(pixels[:, :, ::-1]))
            check_finite(original[-1], source)
            check_finite(mirrored[-1], source)
            progress.update(len(block))
    return PackEmbeddings(np.concatenate(original), np.concatenate(mirrored), index, pack.is_same)
