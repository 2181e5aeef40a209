"""One-operator graphs, converted and run in ONNX Runtime, or run in MXNet."""

import json

import numpy as np
import onnxruntime
import pytest

from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_graph import OPSETS
from insightrec.deploy.params_file import Params, write_params
from insightrec.deploy.symbol_graph import parse_symbol


def graph_text(op, attributes, parameters, outputs=1, key="attrs"):
    """The symbol file of ``node = op(data, *parameters)``; parameters are inputs in dict order."""
    variables = [{"op": "null", "name": name, "inputs": []} for name in ("data", *parameters)]
    inputs = [[index, 0, 0] for index in range(len(variables))]
    node = {"op": op, "name": "node", key: {k: str(v) for k, v in attributes.items()}, "inputs": inputs}
    return json.dumps(
        {
            "nodes": [*variables, node],
            "arg_nodes": list(range(len(variables))),
            "heads": [[len(variables), index, 0] for index in range(outputs)],
            "attrs": {"mxnet_version": ["int", 10901]},
        }
    )


@pytest.fixture
def converted():
    """Function (op, data, attributes, parameters, outputs) -> list of arrays, through the converter."""

    def run(op, data, attributes=None, parameters=None, outputs=1):
        attributes, parameters = attributes or {}, parameters or {}
        graph = parse_symbol(graph_text(op, attributes, parameters, outputs), "net-symbol.json")
        params = Params({f"arg:{name}": array for name, array in parameters.items()}, "net-0000.params")
        names = [graph.name_of(head) for head in graph.heads]
        model = convert(graph, params, outputs=names, input_shape=data.shape[1:])
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, {"data": data})
        fixed = convert(
            graph, params, outputs=names, input_shape=data.shape[1:], batch=len(data), opset=OPSETS[-1]
        ).SerializeToString()
        newest = onnxruntime.InferenceSession(fixed, providers=["CPUExecutionProvider"])
        for array, again, output in zip(found, newest.run(None, {"data": data}), newest.get_outputs()):
            np.testing.assert_array_equal(again, array)  # no opset on offer changes a number
            assert output.shape == list(array.shape)
        declared = [output.shape for output in session.get_outputs()]
        for array, shape in zip(found, declared):
            expected = [size if isinstance(size, int) else actual for size, actual in zip(shape, array.shape)]
            assert list(array.shape) == expected  # the converter's own shape inference was right
        return found

    return run


@pytest.fixture
def in_mxnet(mx):
    """The same function, in MXNet."""

    def run(op, data, attributes=None, parameters=None, outputs=1):
        attributes, parameters = attributes or {}, parameters or {}
        symbol = mx.sym.load_json(graph_text(op, attributes, parameters, outputs))
        arrays = {"data": data, **parameters}
        arguments, states = (
            {name: mx.nd.array(arrays[name]) for name in names}
            for names in (symbol.list_arguments(), symbol.list_auxiliary_states())
        )
        executor = symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req="null")
        return [output.asnumpy() for output in executor.forward()]

    return run


@pytest.fixture
def tiny_graph():
    """Function (op, attributes, parameters, outputs, key) -> the text of a symbol file."""
    return lambda op, attributes=None, parameters=(), outputs=1, key="attrs": graph_text(
        op, attributes or {}, parameters, outputs, key
    )


@pytest.fixture
def dense_model(tmp_path, tiny_graph):
    """``prefix,epoch`` of a model that is one product of the pixels of 4x4 images with a matrix (3, 48)."""
    weight = np.random.default_rng(1).normal(size=(3, 48)).astype(np.float32)
    symbol = tiny_graph("FullyConnected", {"num_hidden": 3, "no_bias": True}, ["w"])
    (tmp_path / "dense-symbol.json").write_text(symbol)
    write_params(tmp_path / "dense-0007.params", {"arg:w": weight})
    return f"{tmp_path / 'dense'},7"


@pytest.fixture
def rng():
    return np.random.default_rng(5)
