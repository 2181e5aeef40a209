import pytest

from insightrec.deploy.model_files import ModelFiles, find_model, find_models, parse_keep
from insightrec.recordio_tools.errors import InputError, ModelError


@pytest.fixture
def folder(tmp_path):
    """``model-r100`` of epochs 0, 1, 2, 10 and 12345, a neighbour whose name goes on, and an ONNX file."""
    for name in (
        "model-r100-symbol.json",
        *(f"model-r100-{epoch:04d}.params" for epoch in (0, 1, 2, 10, 12345)),
        "model-r100-best-0003.params",
        "model-r100-optimizer.params",
        "model-r100s-symbol.json",
        "model-r100s-0007.params",
        "arcface.onnx",
    ):
        (tmp_path / name).touch()
    return tmp_path


def epochs(models):
    return [files.name.rpartition("-")[2] for files in models]


def test_prefix_and_epoch(folder):
    prefix = folder / "model-r100"
    assert find_models(f"{prefix},0") == [
        ModelFiles(folder / "model-r100-symbol.json", folder / "model-r100-0000.params")
    ]
    assert epochs(find_models(f"{prefix},10")) == epochs(find_models(f"{prefix},0010")) == ["0010"]
    assert epochs(find_models(f"{prefix},12345")) == ["12345"]


def test_several_epochs_in_the_order_given(folder):
    assert epochs(find_models(f"{folder}/model-r100,2|0|10")) == ["0002", "0000", "0010"]


def test_a_bare_prefix_is_every_epoch_newest_first(folder):
    assert epochs(find_models(f"{folder}/model-r100")) == ["12345", "0010", "0002", "0001", "0000"]
    assert epochs(find_models(f"{folder}/model-r100s")) == ["0007"]


def test_keep_slices_only_where_there_are_more(folder):
    prefix = f"{folder}/model-r100"
    assert epochs(find_models(prefix, (1, 3))) == ["0010", "0002"]
    assert epochs(find_models(prefix, (0, 4))) == ["12345", "0010", "0002", "0001"]
    assert len(find_models(prefix, (1, 5))) == 5
    assert epochs(find_models(f"{prefix},0|1|2", (0, 1))) == ["0000", "0001", "0002"]
    with pytest.raises(ModelError, match=r"no epoch from place 3 to before 3"):
        find_models(prefix, (3, 3))


def test_the_working_folder_and_its_parent(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert epochs(find_models("model-r100,1")) == ["0001"]
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert len(find_models("../model-r100")) == 5


def test_onnx(folder):
    files = find_model(f"{folder}/arcface.onnx")
    assert (files.graph, files.params, files.name) == (folder / "arcface.onnx", None, "arcface")


def test_a_comma_in_the_path(tmp_path):
    (tmp_path / "a,b-symbol.json").touch()
    (tmp_path / "a,b-0001.params").touch()
    assert epochs(find_models(f"{tmp_path}/a,b")) == epochs(find_models(f"{tmp_path}/a,b,1")) == ["0001"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "model-r100,3",
            "model-r100-0003.params: no such file; in .* there are model-r100-0000.params, model-r100-0001",
        ),
        ("model-r50,0", "model-r50-symbol.json: no such file; in .* there are model-r100-"),
        ("model-r100-best", "model-r100-best-symbol.json: no such file"),
        ("arc.onnx", "arc.onnx: no such file; in .* there are arcface.onnx, model-r100"),
        ("below/model,0", "below/model-symbol.json: no such file; there is no folder"),
        ("", "no such file"),
    ],
)
def test_what_is_missing_and_what_is_there(folder, model, message):
    with pytest.raises(ModelError, match=message):
        find_models(f"{folder}/{model}")


def test_no_models_at_all(tmp_path):
    with pytest.raises(ModelError, match=f"there are no models in {tmp_path}"):
        find_models(f"{tmp_path}/model,0")


def test_a_graph_without_parameters(tmp_path):
    (tmp_path / "model-symbol.json").touch()
    with pytest.raises(ModelError, match=r"model-0000.params: no parameters of any epoch; in .* model-symbol.json"):
        find_models(f"{tmp_path}/model")


def test_one_model(folder):
    assert find_model(f"{folder}/model-r100,2").name == "model-r100-0002"
    with pytest.raises(ModelError, match=r"expected one model, found 5 \(model-r100-12345, .*give prefix,epoch"):
        find_model(f"{folder}/model-r100")


def test_parse_keep():
    assert parse_keep("") is None
    assert parse_keep("0,5") == (0, 5)
    for text in ("5", "a,b", "1,2,3", "-1,2"):
        with pytest.raises(InputError, match=r"--max .*expected two numbers a,b"):
            parse_keep(text)


@pytest.mark.parametrize("model", ["", ".", "/", "/,1"])
def test_a_text_that_names_no_file(model):
    with pytest.raises(ModelError, match="expected prefix,epoch, a prefix or an .onnx file, found no file name"):
        find_models(model)
