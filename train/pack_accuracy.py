"""The verification that accompanies training: every pack, by the network as it is."""

from insightrec.eval.pack_embeddings import embed_pack
from insightrec.eval.pair_folds import pair_folds
from insightrec.eval.verification_result import verify
from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.verification_pack import read_pack


class PackAccuracy:
    """Verification packs, read once and kept encoded, some 20 MB for 6,000 pairs.

    Args:
        targets: dict name -> path of a ``.bin``.
        nfolds: folds of the cross-validation.

    Raises:
        InputError: a pack is damaged, or has fewer pairs than folds.
    """

    def __init__(self, targets, nfolds=10):
        self._packs = {name: (read_pack(path), path) for name, path in targets.items()}
        self._nfolds = nfolds
        for pack, path in self._packs.values():
            try:
                pair_folds(len(pack.is_same), nfolds)
            except InputError as error:
                raise InputError(f"{path}: {error}") from None

    def __bool__(self):
        return bool(self._packs)

    def __call__(self, embedder):
        """Dict name -> `VerificationResult` of an embedder's ``embed``, in the order of the targets."""
        return {
            name: verify(embed_pack(embedder, pack, path), self._nfolds) for name, (pack, path) in self._packs.items()
        }
