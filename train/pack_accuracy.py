"""The verification that accompanies training: every pack, by the network as it is."""

from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.pair_folds import pair_folds
from insightrec.eval.verification_result import verify
from insightrec.recordio_tools.crop_size import decode_to_size
from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.verification_pack import read_pack


class PackAccuracy:
    """Verification packs, read once and kept encoded, some 20 MB for 6,000 pairs.

    Args:
        targets: dict name -> path of a ``.bin``.
        image_size: (H, W) of the network's input.
        nfolds: folds of the cross-validation.

    Raises:
        InputError: a pack is damaged, has fewer pairs than folds, or begins with an image of other proportions.
    """

    def __init__(self, targets, image_size, nfolds=10):
        self._packs = {name: (read_pack(path), path) for name, path in targets.items()}
        self._nfolds = nfolds
        for pack, path in self._packs.values():
            try:
                pair_folds(len(pack.is_same), nfolds)
            except InputError as error:
                raise InputError(f"{path}: {error}") from None
            decode_to_size(pack.images[0], image_size, f"{path}: image 0")  # now, not after hours of training

    def __bool__(self):
        return bool(self._packs)

    def __call__(self, embedder):
        """Dict name -> `VerificationResult` of an embedder's ``embed``, in the order of the targets."""
        return {
            name: verify(embed_pack(embedder, pack, path), self._nfolds) for name, (pack, path) in self._packs.items()
        }
