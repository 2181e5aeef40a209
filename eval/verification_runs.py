"""What a verification goes through: every target and, within it, every model."""

import functools
from pathlib import Path
from typing import Any, NamedTuple

from insightrec.deploy.model_files import find_models, parse_keep
from insightrec.eval.eigenfaces import fit_eigenfaces
from insightrec.eval.pair_folds import pair_folds
from insightrec.recordio_tools.errors import ModelError
from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.verification_pack import VerificationPack, read_pack

EIGENFACES = "eigenfaces"


class Run(NamedTuple):
    """One model on one target. ``origin`` says what the model was made from, ``origin_sha256`` hashes those files."""

    target: str
    source: Path
    source_sha256: str
    pack: VerificationPack
    model: str
    origin: str
    origin_sha256: str
    embedder: Any

    @property
    def name(self):
        """Begins the names of this run's files."""
        return f"{self.target}__{_file_name(self.model)}"

    @property
    def facts(self):
        """What ran, for a report: dict of str."""
        return {
            "target": self.target,
            "pack": str(self.source),
            "pack_sha256": self.source_sha256,
            "model": self.model,
            "model_origin": self.origin,
            "model_sha256": self.origin_sha256,
        }


def verification_runs(targets, models, open_model, folder, nfolds=1):
    """Yield a `Run` for each of ``models`` on each of ``targets``, target by target as InsightFace's tool does.

    One model is open at a time. All packs are read before the first run, so that one that is damaged, or has
    fewer pairs than folds, is an error at once.

    Args:
        targets: dict name -> path of a pack (`find_targets`).
        models: dict name -> `ModelFiles`, or None for eigenfaces (`find_named_models`).
        open_model: makes an embedder of `ModelFiles`.
        folder: the data set's, where eigenfaces look for ``train.rec``.
        nfolds: folds that every pack will be cut into.

    Raises:
        InputError: a pack, a model or a training set is damaged, or a pack has fewer pairs than folds.
    """
    packs = {target: read_pack(path) for target, path in targets.items()}
    for pack in packs.values():
        pair_folds(len(pack.is_same), nfolds)
    open_model = functools.lru_cache(maxsize=1)(open_model)  # a single model serves all targets
    hash_once = functools.lru_cache(maxsize=None)(sha256)  # of every file, however many targets it serves
    for target, source in targets.items():
        source_sha256 = hash_once(source)
        for model, files in models.items():
            if files is None:
                paths = []
                embedder, origin = fit_eigenfaces(folder, packs[target], source)
            else:
                paths = [path for path in (files.params, files.graph) if path]
                embedder, origin = open_model(files), ", ".join(map(str, paths))
            hashes = ", ".join(map(hash_once, paths))
            yield Run(target, source, source_sha256, packs[target], model, origin, hashes, embedder)


def find_named_models(models, keep=""):
    """The models of a list such as ``["softmax,50|60", "arcface.onnx", "eigenfaces"]``.

    Args:
        models: each as `find_models` takes it, or ``"eigenfaces"``.
        keep: ``"a,b"`` or empty, which epochs of a bare prefix (`parse_keep`).

    Returns:
        dict of `ModelFiles`, None for eigenfaces, by a name of folder and file, e.g. ``model/softmax-0050``.

    Raises:
        ModelError: a file is missing, or two models have one name, with ``_`` for ``/`` as in `Run.name`.
        InputError: ``keep`` cannot be read.
    """
    named, by_file_name = {}, {}
    for model in models:
        found = [None] if model == EIGENFACES else find_models(model, parse_keep(keep))
        for files in found:
            name = EIGENFACES if files is None else "/".join([*files.graph.parts[-2:-1], files.name])
            first = by_file_name.setdefault(_file_name(name), (name, files))
            if first != (name, files):
                raise ModelError(
                    f"{model}: expected models of different names, found {first[0]} and {name}; rename a folder"
                )
            named[name] = files
    return named


def _file_name(model):
    return model.replace("/", "_")
