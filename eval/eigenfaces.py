"""The eigenfaces baseline (Turk and Pentland, "Eigenfaces for Recognition", 1991) in an embedder's form.

It needs no network and no labels: what a trained model must beat on the same pairs.
"""

from pathlib import Path

import cv2
import numpy as np
from sklearn.decomposition import PCA
from tqdm import tqdm

from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.image_codec import decode_rgb

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
        images: iterable of uint8 RGB images (H, W, 3) to fit; the size of the first becomes ``image_size``.
        components: upper limit of the embedding size.

    Raises:
        InputError: fewer than two images.
    """

    name = "eigenfaces"

    def __init__(self, images, components=COMPONENTS):
        gray = []
        for image in images:
            if not gray:
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


def fit_eigenfaces(folder, pack, source):
    """Fit the baseline to the record set ``train.rec`` in ``folder`` or, where there is none, to the pack itself.

    Fitting to the images under test uses no labels, but it is transductive: no new image would get such a fit.

    Args:
        folder: of the data set.
        pack: a `VerificationPack`.
        source: what to call the pack in an error and in the description.

    Returns:
        (`EigenfacesEmbedder`, str that says what it was fitted to).

    Raises:
        InputError: a damaged record or image, or fewer than two images.
    """
    training = Path(folder) / "train.rec"
    if training.is_file():
        faces = FaceRecordSet(training)
        positions = sample_positions(len(faces))
        images = (faces[position][0] for position in positions)
        fitted_to = f"fitted to {len(positions)} of {len(faces)} images of {training}"
    else:
        distinct = pack.distinct()[0]
        positions = sample_positions(len(distinct))
        images = (decode_rgb(distinct[position], source) for position in positions)
        fitted_to = f"fitted to {len(positions)} of {len(distinct)} images of {source} itself; there is no {training}"
    return EigenfacesEmbedder(tqdm(images, "eigenfaces", len(positions), unit="image", disable=None)), fitted_to


def sample_positions(count):
    """Ascending positions of at most `FIT_IMAGES` of ``count`` images, the same at every call."""
    chosen = np.random.default_rng(SEED).permutation(count)[:FIT_IMAGES]
    return np.sort(chosen).tolist()


def _gray_vector(image):
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return cv2.resize(gray, (GRAY_SIZE, GRAY_SIZE), interpolation=cv2.INTER_AREA).ravel().astype(np.float32)
