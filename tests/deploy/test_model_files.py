import json
import random
import re
import resource

import numpy as np
import onnx
import pytest

from insightrec.deploy import mtcnn_weights
from insightrec.deploy.embedder import Embedder
from insightrec.deploy.model_files import ModelFiles, find_model, find_models, parse_keep
from insightrec.deploy.mtcnn_self_check import fixed_input
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.params_file import read_params, write_params
from insightrec.deploy.symbol_graph import read_symbol
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


SIZE = (6, 5)  # of the images of the small models below
MOST_MEMORY = 200_000  # KB that opening a damaged model of a few KB may add to this process
# What damage may put in the place of a number or a text of a symbol graph.
ODD_NUMBERS = ("0", "-1", "1099511627776", "99999999999999999999", "1e999", "null", "[]", '"0"')
ODD_TEXTS = (
    *("(1099511627776, 1099511627776)", "(1000000, 1000000)", "(-1, -1)", "(0, 0)", "(3)", "1099511627776", "-3", "0"),
    *(
        "nan",
        "inf",
        "1e999",
        "None",
        "True",
        "",
        "null",
        "Convolution",
        "Pooling",
        "SliceChannel",
        "tile",
        "conv",
        "\\ud800",
    ),
)


class Layers:
    """A symbol graph and its parameters, layer by layer."""

    def __init__(self):
        self.nodes = [{"op": "null", "name": "data", "inputs": []}]
        self.arrays = {}
        self.last = 0

    def add(self, op, name, *parameters, source=None, **attributes):
        """Add a layer after ``source`` (the last one if None); parameters are (name, shape)."""
        inputs = [[self.last if source is None else source, 0, 0]]
        for parameter, shape in parameters:
            inputs.append([len(self.nodes), 0, 0])
            self.nodes.append({"op": "null", "name": f"{name}_{parameter}", "inputs": []})
            kind = "aux" if parameter.startswith("moving") else "arg"
            values = np.random.default_rng(len(self.nodes)).random(shape, np.float32)
            self.arrays[f"{kind}:{name}_{parameter}"] = values
        texts = {key: str(value) for key, value in attributes.items()}
        self.nodes.append({"op": op, "name": name, "attrs": texts, "inputs": inputs})
        self.last = len(self.nodes) - 1
        return self.last

    def write(self, prefix, heads):
        variables = [index for index, node in enumerate(self.nodes) if node["op"] == "null"]
        graph = {"nodes": self.nodes, "arg_nodes": variables, "heads": [[head, 0, 0] for head in heads]}
        prefix.with_name(f"{prefix.name}-symbol.json").write_text(json.dumps(graph))
        write_params(prefix.with_name(f"{prefix.name}-0001.params"), self.arrays)


@pytest.fixture
def embedding_model(tmp_path):
    """A folder of ``model-symbol.json`` and ``model-0001.params``, of the usual layers, and ``model.onnx``."""
    layers = Layers()
    layers.add("_mul_scalar", "scaled", scalar=0.0078125)
    layers.add("Convolution", "conv", ("weight", (4, 3, 3, 3)), kernel=(3, 3), pad=(1, 1), num_filter=4, no_bias=True)
    states = [(name, (4,)) for name in ("gamma", "beta", "moving_mean", "moving_var")]
    layers.add("BatchNorm", "bn", *states, eps=2e-05, fix_gamma=False)
    layers.add("LeakyReLU", "relu", ("gamma", (4,)), act_type="prelu")
    layers.add("Pooling", "pool", kernel=(2, 2), stride=(2, 2), pool_type="max")
    layers.add("Dropout", "drop", p=0.4)
    layers.add("FullyConnected", "fc1", ("weight", (8, 4 * 3 * 2)), ("bias", (8,)), num_hidden=8)
    layers.write(tmp_path / "model", [layers.last])
    graph, params = read_symbol(tmp_path / "model-symbol.json"), read_params(tmp_path / "model-0001.params")
    onnx.save(convert(graph, params, input_shape=(3, *SIZE)), str(tmp_path / "model.onnx"))
    return tmp_path


@pytest.fixture
def cascade(tmp_path, monkeypatch):
    """A folder of det1 to det3: networks of one layer for each head, which pass for the released ones."""
    for stage, heads in (("det1", (4, 2)), ("det2", (4, 2)), ("det3", (10, 4, 2))):
        layers, ends = Layers(), []
        for index, size in enumerate(heads):
            if stage == "det1":
                shape = {"kernel": (12, 12), "stride": (2, 2), "num_filter": size}
                parameters = (("weight", (size, 3, 12, 12)), ("bias", (size,)))
                ends.append(layers.add("Convolution", f"head{index}", *parameters, source=0, **shape))
            else:
                side = 24 if stage == "det2" else 48
                parameters = (("weight", (size, 3 * side * side)), ("bias", (size,)))
                ends.append(layers.add("FullyConnected", f"head{index}", *parameters, source=0, num_hidden=size))
        ends[-1] = layers.add("SoftmaxActivation", "prob1", mode="channel")
        layers.write(tmp_path / stage, ends)
    monkeypatch.setattr(mtcnn_weights, "check_network", lambda stage, network: network(fixed_input(stage)))
    return tmp_path


def damaged(data, is_text, seed):
    """The file with a few bytes changed, or cut short, or, of a text, with odd numbers and texts in it."""
    rng = random.Random(seed)
    kind = rng.choice(("bytes", "cut", "odd", "odd")) if is_text else rng.choice(("bytes", "bytes", "bytes", "cut"))
    if kind == "cut":
        return data[: rng.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        if kind == "odd":
            start, end = rng.choice([match.span() for match in re.finditer(rb'-?\d+|"[^"]*"', bytes(changed))])
            is_quoted = changed[start] == ord('"')
            changed[start:end] = (f'"{rng.choice(ODD_TEXTS)}"' if is_quoted else rng.choice(ODD_NUMBERS)).encode()
        else:
            place = rng.randrange(min(len(data), rng.choice((200, len(data)))))
            changed[place] = rng.choice((0, 1, 127, 128, 255, changed[place] ^ (1 << rng.randrange(8))))
    return bytes(changed)


def open_damaged(path, times, open_model):
    """Open the model ``times``, each time with other damage in one of its files; how often it opened all the same."""
    whole = path.read_bytes()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    opened = 0
    for seed in range(times):
        path.write_bytes(damaged(whole, path.suffix == ".json", seed))
        try:
            open_model()
            opened += 1
        except InputError as error:
            assert "\n" not in str(error), f"seed {seed}"
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MOST_MEMORY
    return opened


@pytest.mark.parametrize(
    ("name", "model"),
    [("model-symbol.json", "model,1"), ("model-0001.params", "model,1"), ("model.onnx", "model.onnx")],
)
def test_a_damaged_model_is_an_input_error(embedding_model, capfd, name, model):
    def open_model():
        Embedder(f"{embedding_model}/{model}", image_size=SIZE, threads=1)

    open_model()
    opened = open_damaged(embedding_model / name, 500, open_model)
    assert 0 < opened < 400
    assert "Falling back" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["det1-symbol.json", "det2-symbol.json", "det1-0001.params", "det3-0001.params"])
def test_a_damaged_network_of_the_cascade_is_an_input_error(cascade, name):
    mtcnn_weights.load_networks(cascade)
    assert 0 < open_damaged(cascade / name, 120, lambda: mtcnn_weights.load_networks(cascade)) < 120
