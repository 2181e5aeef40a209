import numpy as np
import pytest

from insightrec.deploy.params_file import write_params
from insightrec.recordio_tools.errors import ModelError

pretrained = pytest.importorskip("insightrec.train.pretrained", reason="needs MXNet")
take_parameters, read_pretrained = pretrained.take_parameters, pretrained.read_pretrained
pytestmark = pytest.mark.mxnet

SHAPES = {"conv_weight": (4, 3), "bn_moving_mean": (4,), "fc7_weight": (5, 4)}


@pytest.fixture
def parameters(mx):
    """Initialized parameters of `SHAPES` on two devices, all 0."""
    made = mx.gluon.ParameterDict()
    for name, shape in SHAPES.items():
        made.get(name, shape=shape).initialize(mx.init.Zero(), ctx=[mx.cpu(0), mx.cpu(1)])
    return dict(made.items())


def filled(**changes):
    arrays = {name: np.full(shape, number, np.float32) for number, (name, shape) in enumerate(SHAPES.items(), 1)}
    return {**arrays, **changes}


def values(parameters):
    return {name: [copy.asnumpy() for copy in parameter.list_data()] for name, parameter in parameters.items()}


def test_arrays_of_the_same_names_are_taken_on_every_device(parameters):
    arrays = filled()
    taken = take_parameters(parameters, arrays, "model-0001.params")
    assert (taken.taken, taken.fresh, taken.unused) == (list(SHAPES), [], [])
    assert str(taken) == "3 of 3 parameters taken"
    for name, copies in values(parameters).items():
        assert len(copies) == 2
        assert all((copy == arrays[name]).all() for copy in copies)


def test_what_was_not_taken_is_said(parameters):
    arrays = filled(fc8_weight=np.ones(3))
    del arrays["bn_moving_mean"]
    taken = take_parameters(parameters, arrays, "model-0001.params")
    assert str(taken) == "2 of 3 parameters taken; 1 start anew: bn_moving_mean; 1 not used: fc8_weight"
    assert not values(parameters)["bn_moving_mean"][0].any()


def test_long_lists_are_cut():
    names = [f"w{number}" for number in range(6)]
    assert str(pretrained.Taken(["a"], names, [])) == ("1 of 7 parameters taken; 6 start anew: w0, w1, w2, w3, w4, ...")


def test_a_classifier_of_other_classes_starts_anew(parameters):
    arrays = filled(fc7_weight=np.ones((9, 4), np.float32))
    taken = take_parameters(parameters, arrays, "model-0001.params", replaceable=("fc7_weight",))
    assert taken.fresh == ["fc7_weight"]
    assert "1 start anew: fc7_weight" in str(taken)
    assert not values(parameters)["fc7_weight"][0].any()


def test_another_width_is_refused_and_nothing_is_taken(parameters):
    arrays = filled(fc7_weight=np.ones((5, 8), np.float32))
    message = (
        r"model-0001.params: fc7_weight: expected shape \(5, 4\) of this network, found \(5, 8\); give the --network, "
        "--emb-size"
    )
    with pytest.raises(ModelError, match=message):
        take_parameters(parameters, arrays, "model-0001.params")
    assert not any(copy.any() for copies in values(parameters).values() for copy in copies)


def test_another_network_is_refused(parameters):
    with pytest.raises(ModelError, match="x.params: none of its 2 names is a parameter of this network"):
        take_parameters(parameters, {"a": np.ones(1), "b": np.ones(1)}, "x.params")


def test_parameters_of_another_type_keep_it(mx):
    parameter = mx.gluon.ParameterDict().get("w", shape=(2,), dtype="float16")
    parameter.initialize()
    take_parameters({"w": parameter}, {"w": np.array([1.5, 2], np.float32)}, "x.params")
    assert parameter.data().dtype == np.float16
    assert parameter.data().asnumpy().tolist() == [1.5, 2]


def test_files_are_read_by_bare_name(tmp_path):
    (tmp_path / "model-symbol.json").write_text("{}")
    write_params(tmp_path / "model-0007.params", {"arg:w": np.ones(2, np.float32), "aux:m": np.zeros(3, np.float32)})
    arrays, source = read_pretrained(f"{tmp_path / 'model'},7")
    assert {name: array.tolist() for name, array in arrays.items()} == {"w": [1, 1], "m": [0, 0, 0]}
    assert source == tmp_path / "model-0007.params"


def test_no_model_and_onnx_are_refused(tmp_path):
    with pytest.raises(ModelError, match="model-symbol.json: no such file"):
        read_pretrained(f"{tmp_path / 'model'},1")
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match="model.onnx: expected an MXNet model, prefix,epoch, found an ONNX file"):
        read_pretrained(str(tmp_path / "model.onnx"))
