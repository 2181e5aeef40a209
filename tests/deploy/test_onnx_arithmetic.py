import numpy as np
import pytest

from insightrec.recordio_tools.errors import ModelError

UNARY = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "negative": np.negative,
    "square": np.square,
}
SCALAR = {
    "_plus_scalar": lambda x, s: x + s,
    "_minus_scalar": lambda x, s: x - s,
    "_mul_scalar": lambda x, s: x * s,
    "_div_scalar": lambda x, s: x / s,
    "_power_scalar": lambda x, s: x**s,
    "_maximum_scalar": np.maximum,
    "_minimum_scalar": np.minimum,
    "_rminus_scalar": lambda x, s: s - x,
    "_rdiv_scalar": lambda x, s: s / x,
}
ELEMENT_WISE = {
    "elemwise_add": np.add,
    "elemwise_sub": np.subtract,
    "elemwise_mul": np.multiply,
    "elemwise_div": np.divide,
}
BROADCAST = {
    "broadcast_add": np.add,
    "broadcast_sub": np.subtract,
    "broadcast_mul": np.multiply,
    "broadcast_div": np.divide,
    "broadcast_maximum": np.maximum,
    "broadcast_minimum": np.minimum,
}


def close(found, expected):
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def positive(*shape):
    return np.random.default_rng(sum(shape)).uniform(0.2, 2, shape).astype(np.float32)


@pytest.mark.parametrize("op", UNARY)
def test_unary(converted, op):
    data = positive(2, 3, 4)
    close(converted(op, data)[0], UNARY[op](data))


@pytest.mark.parametrize("op", SCALAR)
def test_scalar(converted, op):
    data = positive(2, 3, 4)
    close(converted(op, data, {"scalar": "0.75"})[0], SCALAR[op](data, np.float32(0.75)))


@pytest.mark.parametrize("old", ["_PlusScalar", "_MinusScalar", "_MulScalar", "_DivScalar", "_RMinusScalar"])
def test_scalar_under_its_old_name(converted, old):
    new = {"_RMinusScalar": "_rminus_scalar"}.get(old, f"_{old[1:-6].lower()}_scalar")
    data = positive(2, 3)
    close(converted(old, data, {"scalar": "127.5"})[0], SCALAR[new](data, np.float32(127.5)))


@pytest.mark.parametrize("op", ELEMENT_WISE)
def test_element_wise(converted, op):
    data, other = positive(2, 3, 4), positive(2, 3, 4) + 1
    close(converted(op, data, {}, {"other": other})[0], ELEMENT_WISE[op](data, other))


@pytest.mark.parametrize("op", BROADCAST)
@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 1, 4, 5), (4, 5), (1,)])
def test_broadcast(converted, op, shape):
    data, other = positive(2, 3, 4, 5), positive(*shape)
    close(converted(op, data, {}, {"other": other})[0], BROADCAST[op](data, other))


def test_add_n(converted):
    data, first, second = positive(2, 3), positive(2, 3) + 1, positive(2, 3) + 2
    close(converted("add_n", data, {"num_args": 3}, {"a": first, "b": second})[0], data + first + second)


@pytest.mark.parametrize("op", ["sum", "mean", "max", "min"])
def test_reduction(converted, op):
    data = positive(2, 3, 4, 5)
    reduce = getattr(np, op)
    close(converted(op, data, {"axis": 1, "keepdims": "True"})[0], reduce(data, 1, keepdims=True))
    close(converted(op, data, {"axis": (-1, 2)})[0], reduce(data, (2, 3)))
    close(converted(op, data, {"axis": 1, "exclude": "True"})[0], reduce(data, (0, 2, 3)))
    every = {"axis": tuple(range(data.ndim)), "exclude": "True"}
    close(converted(op, data, every)[0], data)
    close(converted(op, data, {"exclude": "True"})[0], reduce(data).reshape(1))
    close(converted(op, data)[0], reduce(data).reshape(1))
    close(converted(op, data, {"axis": "None", "keepdims": "1"})[0], reduce(data, keepdims=True))


def test_concat(converted):
    data, other = positive(2, 3, 4), positive(2, 5, 4)
    close(converted("Concat", data, {"num_args": 2}, {"other": other})[0], np.concatenate([data, other], 1))
    other = positive(2, 3, 1)
    close(converted("concat", data, {"dim": -1}, {"other": other})[0], np.concatenate([data, other], 2))


def test_slice_channel(converted):
    data = positive(2, 6, 4)
    parts = converted("SliceChannel", data, {"num_outputs": 3}, outputs=3)
    for part, expected in zip(parts, np.split(data, 3, axis=1)):
        close(part, expected)
    parts = converted("split", data, {"num_outputs": 2, "axis": 2}, outputs=2)
    close(parts[1], data[:, :, 2:])


@pytest.mark.parametrize(("begin", "end"), [("0", "2"), ("1", "None"), ("-2", None), ("1", "-1"), ("0", "99")])
def test_slice_axis(converted, begin, end):
    data = positive(2, 5, 4)
    attributes = {"axis": 1, "begin": begin} if end is None else {"axis": 1, "begin": begin, "end": end}
    last = None if end in (None, "None") else int(end)
    close(converted("slice_axis", data, attributes)[0], data[:, int(begin) : last])


def test_tile(converted):
    data = positive(2, 1, 4, 5)
    close(converted("tile", data, {"reps": "(1, 3, 1, 2)"})[0], np.tile(data, (1, 3, 1, 2)))
    close(converted("tile", data, {"reps": "(2L,)"})[0], np.tile(data, 2))


@pytest.mark.parametrize(
    ("op", "attributes", "other", "message"),
    [
        ("elemwise_add", {}, (2, 1, 4), "expected two inputs of one shape"),
        ("broadcast_add", {}, (2, 2, 4), "expected shapes that broadcast"),
        ("add_n", {}, (2, 3, 5), "expected inputs of one shape"),
        ("Concat", {}, (2, 3, 5), "expected inputs that differ only in axis 1"),
        ("Concat", {"dim": 3}, (2, 3, 4), "expected an axis of an input of 3 dimensions, found 3"),
        ("SliceChannel", {"num_outputs": 2}, None, "expected axis 1 to be a multiple of 2"),
        ("SliceChannel", {"num_outputs": 3, "squeeze_axis": "True"}, None, "squeeze_axis is not supported"),
        ("tile", {"reps": (1, 1, 1, 1)}, None, "is not supported"),
        ("sum", {"axis": "(7,)"}, None, "expected an axis"),
        ("slice_axis", {"axis": 1, "begin": 3}, None, "expected an output of 1 or more in every dimension"),
    ],
)
def test_shapes_that_do_not_fit(converted, op, attributes, other, message):
    with pytest.raises(ModelError, match=message):
        converted(op, positive(2, 3, 4), attributes, {} if other is None else {"other": positive(*other)})


@pytest.mark.mxnet
@pytest.mark.parametrize(
    ("op", "attributes", "other"),
    [
        *((op, {}, None) for op in UNARY),
        *((op, {"scalar": "0.75"}, None) for op in SCALAR),
        *((op, {}, (2, 6, 4)) for op in ELEMENT_WISE),
        *((op, {}, (1, 6, 1)) for op in BROADCAST),
        ("broadcast_div", {}, (1,)),  # what the norm-aware pooling head divides by
        ("add_n", {"num_args": 2}, (2, 6, 4)),
        *((op, {"axis": 1, "keepdims": "True"}, None) for op in ("sum", "mean", "max", "min")),
        *((op, {}, None) for op in ("sum", "mean", "max", "min")),
        ("sum", {"axis": "(-1, 1)"}, None),
        ("mean", {"axis": 1, "exclude": "True"}, None),
        ("sum", {"axis": "(0, 1, 2)", "exclude": "True"}, None),
        ("sum", {"exclude": "True"}, None),
        ("Concat", {"num_args": 2}, (2, 3, 4)),
        ("Concat", {"num_args": 2, "dim": -1}, (2, 6, 3)),
        ("SliceChannel", {"num_outputs": 3}, None),
        ("slice_axis", {"axis": 1, "begin": 1, "end": "None"}, None),
        ("slice_axis", {"axis": -1, "begin": -3, "end": -1}, None),
        ("tile", {"reps": "(1, 2, 3)"}, None),
        ("tile", {"reps": "(2,)"}, None),
    ],
)
def test_equals_mxnet(converted, in_mxnet, op, attributes, other):
    data, parameters = positive(2, 6, 4), {} if other is None else {"other": positive(*other)}
    outputs = attributes.get("num_outputs", 1)
    expected = in_mxnet(op, data, attributes, parameters, outputs)
    for found, array in zip(converted(op, data, attributes, parameters, outputs), expected):
        close(found, array)
