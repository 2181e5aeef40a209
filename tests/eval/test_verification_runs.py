import numpy as np
import pytest

from insightrec.deploy.model_files import ModelFiles
from insightrec.eval import verification_runs as module
from insightrec.eval.verification_runs import EIGENFACES, find_named_models, verification_runs
from insightrec.recordio_tools.errors import InputError, ModelError, PackError
from insightrec.recordio_tools.verification_pack import write_pack


@pytest.fixture
def folder(tmp_path):
    for name in ("softmax-symbol.json", "softmax-0001.params", "softmax-0012.params", "arcface.onnx"):
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def targets(tmp_path, make_pack):
    paths = {name: tmp_path / f"{name}.bin" for name in ("lfw", "agedb_30")}
    for path in paths.values():
        pack = make_pack(8)
        write_pack(path, pack.images, pack.is_same)
    return paths


def test_models_are_named_by_folder_and_file(folder):
    prefix = str(folder / "model" / "softmax")
    assert list(find_named_models([prefix])) == ["model/softmax-0012", "model/softmax-0001"]
    assert list(find_named_models([prefix], "0,1")) == ["model/softmax-0012"]
    found = find_named_models([f"{prefix},1|12", EIGENFACES, str(folder / "model" / "arcface.onnx")])
    assert list(found) == ["model/softmax-0001", "model/softmax-0012", "eigenfaces", "model/arcface"]
    assert found["eigenfaces"] is None
    assert found["model/arcface"] == ModelFiles(folder / "model" / "arcface.onnx")


def test_models_without_a_folder_have_their_own_name(folder, monkeypatch):
    monkeypatch.chdir(folder / "model")
    assert list(find_named_models(["arcface.onnx", "softmax,1"])) == ["arcface", "softmax-0001"]


def test_two_models_of_one_name_are_refused(folder):
    other = folder / "other" / "model"
    other.mkdir(parents=True)
    (other / "arcface.onnx").touch()
    with pytest.raises(ModelError, match="found model/arcface and model/arcface; rename"):
        find_named_models([str(folder / "model" / "arcface.onnx"), str(other / "arcface.onnx")])


def test_two_models_of_one_file_name_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder / "model")
    (folder / "model" / "model_arcface.onnx").touch()
    with pytest.raises(ModelError, match="found model/arcface and model_arcface; rename"):
        find_named_models([str(folder / "model" / "arcface.onnx"), "model_arcface.onnx"])


def test_every_file_is_hashed_once(folder, targets, embedder, monkeypatch):
    hashed = []
    monkeypatch.setattr(module, "sha256", lambda path: hashed.append(path) or "hash")
    models = find_named_models([str(folder / "model" / "softmax")])
    assert len(list(verification_runs(targets, models, lambda files: embedder, folder))) == 4
    assert len(hashed) == len(set(hashed)) == 2 + 3


def test_more_folds_than_pairs_are_found_before_any_model_is_opened(folder, targets):
    models = find_named_models([str(folder / "model" / "arcface.onnx")])
    with pytest.raises(InputError, match="expected 1 to 8 folds"):
        next(verification_runs(targets, models, lambda files: pytest.fail("opened"), folder, nfolds=9))


def test_every_model_on_every_target_with_one_model_open_at_a_time(folder, targets, embedder):
    opened = []

    def open_model(files):
        opened.append(files.name)
        return embedder

    models = find_named_models([str(folder / "model" / "softmax")])
    runs = list(verification_runs(targets, models, open_model, folder))
    assert [run.name for run in runs] == [
        "lfw__model_softmax-0012",
        "lfw__model_softmax-0001",
        "agedb_30__model_softmax-0012",
        "agedb_30__model_softmax-0001",
    ]
    assert opened == ["softmax-0012", "softmax-0001"] * 2
    assert runs[0].facts["model_sha256"].count(", ") == 1
    assert runs[0].facts["model_origin"].endswith("softmax-symbol.json")

    opened.clear()
    list(verification_runs(targets, find_named_models([str(folder / "model" / "softmax,1")]), open_model, folder))
    assert opened == ["softmax-0001"]  # one model is opened once for all targets


def test_a_damaged_pack_is_found_before_any_model_is_opened(folder, targets):
    targets["agedb_30"].write_bytes(b"damaged")
    models = find_named_models([str(folder / "model" / "arcface.onnx")])
    with pytest.raises(PackError):
        next(verification_runs(targets, models, lambda files: pytest.fail("opened"), folder))


def test_eigenfaces_are_fitted_anew_for_each_pack(folder, targets):
    runs = list(verification_runs(targets, {EIGENFACES: None}, pytest.fail, folder))
    assert runs[0].embedder is not runs[1].embedder
    assert "lfw.bin itself" in runs[0].origin
    assert runs[0].origin_sha256 == ""
    assert np.shape(runs[0].embedder.image_size) == (2,)
