"""Several models as one: the feature of each, of unit length, side by side, and the whole of unit length again."""

import numpy as np

from insightrec.deploy.face_features import face_features, unit_rows
from insightrec.deploy.model_files import find_model
from insightrec.recordio_tools.errors import ModelError


def find_joined_models(text):
    """The models of ``a,0|b,1``, of which each is ``prefix,epoch`` or a path ending in ``.onnx``.

    A number alone is a further epoch of the prefix before it: ``a,0|1`` is ``a,0|a,1``.

    Returns:
        list of `ModelFiles`, at least one.

    Raises:
        ModelError: a part names no model, or several; a file is missing.
    """
    found, prefix = [], ""
    for part in text.split("|"):
        model = f"{prefix},{part}" if prefix and part.isdigit() else part
        found.append(find_model(model))
        prefix = model.rpartition(",")[0]
    return found


class JoinedModels:
    """Features of aligned faces, as InsightFace's gen_megaface.py makes them.

    Args:
        embedders: list of `Embedder`, at least one, for images of one size.

    Attributes:
        image_size: (height, width) of the images.
        dimension: D, the sum of the embedders'.

    Raises:
        ModelError: the models take images of different sizes.
    """

    def __init__(self, embedders):
        self._embedders = embedders
        self.image_size = embedders[0].image_size
        self.dimension = sum(embedder.embedding_size for embedder in embedders)
        for embedder in embedders[1:]:
            if embedder.image_size != self.image_size:
                (first, second) = ("x".join(map(str, item.image_size)) for item in (embedders[0], embedder))
                raise ModelError(
                    f"{embedder.name}: expected images of {first} (height x width) as {embedders[0].name} takes, found "
                    f"{second}; join models of one image size"
                )

    def features(self, images, names):
        """For each model the embeddings of image and mirror image added, to unit length; joined, to unit length.

        Args:
            images: uint8 RGB (N, H, W, 3), 0..255.
            names: N str, what to call the images in an error.

        Returns:
            float64 (N, D), rows of unit length.

        Raises:
            ModelError: an embedding is not finite, or zero; it names the image.
        """
        parts = [face_features(embedder, images, mirror=True, names=names) for embedder in self._embedders]
        return unit_rows(np.concatenate(parts, axis=1), names)
