"""The eigenfaces baseline (Turk and Pentland, "Eigenfaces for Recognition", 1991) in an embedder's form.

It needs no network and no labels: what a trained model must beat on the same pairs.
"""

import cv2
import numpy as np
from sklearn.decomposition import PCA

from insightrec.recordio_tools.errors import InputError

COMPONENTS = 128
GRAY_SIZE = 56  # pixels a side; finer detail adds nothing that 128 components keep
FIT_IMAGES = 4000  # 50 MB as float32; eigenvectors change little beyond
SEED = 0


class EigenfacesEmbedder:
    """Projection of small gray faces on their whitened principal components.

    Whitening (unit variance along each component) makes up for lighting, which fills the first ones: on
    LFW it is worth 6 points of accuracy. Summing an image with its mirror image, which is linear here,
    cancels every left-right antisymmetric component, so expect the figures without flip to be better.

    Args:
        images: uint8 RGB images (H, W, 3), all of one size, to fit; at most `FIT_IMAGES` is sensible.
        components: upper limit of the embedding size.

    Raises:
        InputError: fewer than two images.
    """

    name = "eigenfaces"

    def __init__(self, images, components=COMPONENTS):
        gray = []
        for image in images:
            self.image_size = image.shape[:2]
            gray.append(_gray_vector(image))
        if len(gray) < 2:
            raise InputError(f"eigenfaces: expected at least 2 images to fit, found {len(gray)}")
        self.embedding_size = min(components, len(gray) - 1)
        self._pca = PCA(self.embedding_size, svd_solver="randomized", whiten=True, random_state=SEED)
        self._pca.fit(np.stack(gray))

    def embed(self, images):
        """uint8 RGB (N, H, W, 3) -> float32 (N, D)."""
        return self._pca.transform(np.stack([_gray_vector(image) for image in images])).astype(np.float32)


def sample_positions(count):
    """Ascending positions of at most `FIT_IMAGES` of ``count`` images, the same at every call."""
    chosen = np.random.default_rng(SEED).permutation(count)[:FIT_IMAGES]
    return np.sort(chosen).tolist()


def _gray_vector(image):
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (GRAY_SIZE, GRAY_SIZE), interpolation=cv2.INTER_AREA).ravel().astype(np.float32)
