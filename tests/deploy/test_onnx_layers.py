import itertools

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ModelError


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def convolution_oracle(data, weight, bias, stride, pad, dilate, groups):
    data = np.pad(data, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    filters, per_group, kh, kw = weight.shape
    height = (data.shape[2] - dilate[0] * (kh - 1) - 1) // stride[0] + 1
    width = (data.shape[3] - dilate[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((len(data), filters, height, width))
    for f, y, x in itertools.product(range(filters), range(height), range(width)):
        first = f // (filters // groups) * per_group
        for c, i, j in itertools.product(range(per_group), range(kh), range(kw)):
            pixel = data[:, first + c, y * stride[0] + i * dilate[0], x * stride[1] + j * dilate[1]]
            out[:, f, y, x] += pixel * weight[f, c, i, j]
    return out + bias[:, None, None]


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "dilate", "groups"),
    [
        ((3, 3), (1, 1), (1, 1), (1, 1), 1),
        ((3, 3), (2, 2), (1, 1), (1, 1), 4),  # depth-wise
        ((1, 7), (1, 1), (0, 3), (1, 1), 1),
        ((3, 2), (2, 1), (0, 1), (2, 3), 2),
    ],
)
def test_convolution(converted, kernel, stride, pad, dilate, groups):
    data, weight, bias = normal(2, 4, 9, 8), normal(8, 4 // groups, *kernel), normal(8)
    window = {"kernel": kernel, "stride": stride, "pad": pad, "dilate": dilate}
    attributes = {**window, "num_filter": 8, "num_group": groups}
    (found,) = converted("Convolution", data, attributes, {"w": weight, "b": bias})
    close(found, convolution_oracle(data, weight, bias, stride, pad, dilate, groups))

    (found,) = converted("Convolution", data, {**attributes, "no_bias": "True"}, {"w": weight})
    close(found, convolution_oracle(data, weight, np.zeros(8), stride, pad, dilate, groups))


def pooling_oracle(data, kind, kernel, stride, pad, full, count_pad):
    height, width = data.shape[2:]
    rooms = [size + 2 * p - k for size, p, k in zip((height, width), pad, kernel)]
    counts = [(-(-room // s) if full else room // s) + 1 for room, s in zip(rooms, stride)]
    out = np.zeros((*data.shape[:2], *counts))
    for y, x in itertools.product(*map(range, counts)):
        top, left = y * stride[0] - pad[0], x * stride[1] - pad[1]
        rows = [i for i in range(top, top + kernel[0]) if 0 <= i < height]
        columns = [i for i in range(left, left + kernel[1]) if 0 <= i < width]
        window = data[:, :, rows][:, :, :, columns]
        if kind == "max":
            out[:, :, y, x] = window.max((2, 3))
        else:
            out[:, :, y, x] = window.sum((2, 3)) / (kernel[0] * kernel[1] if count_pad else len(rows) * len(columns))
    return out


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "full"),
    [
        ((3, 3), (2, 2), (0, 0), True),
        ((2, 2), (2, 2), (0, 0), True),
        ((3, 2), (1, 3), (0, 0), False),
        ((3, 3), (2, 2), (1, 1), False),
    ],
)
def test_pooling(converted, kind, kernel, stride, pad, full):
    data = normal(2, 3, 10, 9)
    convention = "full" if full else "valid"
    attributes = {"pool_type": kind, "kernel": kernel, "stride": stride, "pad": pad, "pooling_convention": convention}
    (found,) = converted("Pooling", data, attributes)
    close(found, pooling_oracle(data, kind, kernel, stride, pad, full, count_pad=not full))

    if kind == "avg":
        (found,) = converted("Pooling", data, {**attributes, "count_include_pad": "False"})
        close(found, pooling_oracle(data, kind, kernel, stride, pad, full, count_pad=False))


def test_pooling_of_the_first_generation_where_it_is_the_same(converted):
    data = normal(2, 3, 10, 9)
    attributes = {"kernel": (3, 3), "stride": (2, 2), "pooling_convention": "full"}
    (found,) = converted("Pooling_v1", data, attributes)
    close(found, pooling_oracle(data, "max", (3, 3), (2, 2), (0, 0), full=True, count_pad=False))


def test_pooling_windows_that_begin_past_the_image(converted):
    attributes = {"pooling_convention": "full", "kernel": (1, 1), "stride": (4, 4)}
    with pytest.raises(ModelError, match="a pooling window that begins past the image is not supported"):
        converted("Pooling", normal(1, 1, 7, 7), attributes)


def test_global_pooling_ignores_the_kernel(converted):
    data = normal(2, 3, 5, 4)
    attributes = {"global_pool": "True", "kernel": (7, 7), "pool_type": "avg"}
    close(converted("Pooling", data, attributes)[0], data.mean((2, 3), keepdims=True))
    close(converted("Pooling", data, {"global_pool": "1"})[0], data.max((2, 3), keepdims=True))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3)])
@pytest.mark.parametrize("fix_gamma", [None, "True", "False"])
def test_batch_norm_fixes_gamma_unless_told_not_to(converted, shape, fix_gamma):
    data, gamma, beta, mean, var = normal(*shape), normal(3) + 3, normal(3), normal(3), normal(3) ** 2
    attributes = {} if fix_gamma is None else {"fix_gamma": fix_gamma, "eps": "2e-05"}
    (found,) = converted("BatchNorm", data, attributes, {"g": gamma, "b": beta, "m": mean, "v": var})

    used = gamma if fix_gamma == "False" else np.ones(3)
    eps = 1e-3 if fix_gamma is None else 2e-5
    spread = (1, 3) + (1,) * (len(shape) - 2)
    used, beta, mean, var = (array.reshape(spread) for array in (used, beta, mean, var))
    close(found, (data - mean) / np.sqrt(var + eps) * used + beta)


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (3, 40)])
def test_fully_connected_flattens_by_default(converted, shape):
    data, weight, bias = normal(*shape), normal(6, 40), normal(6)
    expected = data.reshape(3, 40) @ weight.T
    close(converted("FullyConnected", data, {"num_hidden": 6}, {"w": weight, "b": bias})[0], expected + bias)
    close(converted("FullyConnected", data, {"num_hidden": 6, "no_bias": 1}, {"w": weight})[0], expected)


def test_fully_connected_of_the_last_dimension(converted):
    data, weight, bias = normal(3, 2, 4, 5), normal(6, 5), normal(6)
    attributes = {"num_hidden": 6, "flatten": "False"}
    close(converted("FullyConnected", data, attributes, {"w": weight, "b": bias})[0], data @ weight.T + bias)
    close(converted("FullyConnected", data, {**attributes, "no_bias": 1}, {"w": weight})[0], data @ weight.T)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3)])
@pytest.mark.parametrize("slopes", [3, 1])
def test_prelu_slope_is_per_channel(converted, shape, slopes):
    data, slope = normal(*shape), normal(slopes)
    (found,) = converted("LeakyReLU", data, {"act_type": "prelu"}, {"gamma": slope})
    spread = slope.reshape((1, slopes) + (1,) * (len(shape) - 2))
    close(found, np.where(data > 0, data, data * spread))


def test_activations(converted):
    data = normal(2, 3, 4, 5)
    close(converted("LeakyReLU", data)[0], np.where(data > 0, data, data * 0.25))
    close(converted("LeakyReLU", data, {"slope": "0.1"})[0], np.where(data > 0, data, data * 0.1))
    close(converted("LeakyReLU", data, {"act_type": "elu"})[0], np.where(data > 0, data, 0.25 * np.expm1(data)))
    for kind, expected in {
        "relu": np.maximum(data, 0),
        "sigmoid": 1 / (1 + np.exp(-data)),
        "tanh": np.tanh(data),
        "softrelu": np.log1p(np.exp(data)),
        "softsign": data / (1 + np.abs(data)),
    }.items():
        close(converted("Activation", data, {"act_type": kind})[0], expected)


@pytest.mark.parametrize("op", ["Dropout", "_copy", "identity", "BlockGrad", "stop_gradient", "Cast"])
def test_identities(converted, op):
    data = normal(2, 3, 4, 5)
    np.testing.assert_array_equal(converted(op, data)[0], data)


def test_flatten(converted):
    data = normal(2, 3, 4, 5)
    np.testing.assert_array_equal(converted("Flatten", data)[0], data.reshape(2, 60))


def test_softmax(converted):
    def over(data, axis):
        return np.exp(data) / np.exp(data).sum(axis, keepdims=True)

    rows, maps = normal(2, 7), normal(2, 3, 4, 5)
    close(converted("SoftmaxOutput", rows, {}, {"label": np.zeros(2, np.float32)})[0], over(rows, 1))
    close(converted("SoftmaxActivation", rows)[0], over(rows, 1))
    close(converted("SoftmaxActivation", maps, {"mode": "channel"})[0], over(maps, 1))
    close(converted("SoftmaxOutput", maps, {"multi_output": "True"})[0], over(maps, 1))
    close(converted("SoftmaxOutput", maps, {"preserve_shape": "True"})[0], over(maps, -1))
    close(converted("softmax", maps)[0], over(maps, -1))


def test_the_label_of_softmax_output_is_not_a_parameter(converted):
    assert converted("SoftmaxOutput", normal(2, 7), {}, {})[0].shape == (2, 7)


@pytest.mark.parametrize(("mode", "axes"), [("instance", (1, 2, 3)), ("channel", 1), ("spatial", (2, 3))])
def test_l2_normalization(converted, mode, axes):
    data = normal(2, 3, 4, 5)
    (found,) = converted("L2Normalization", data, {"mode": mode, "eps": "0.5"})
    close(found, data / np.sqrt((data**2).sum(axes, keepdims=True) + 0.5))


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Convolution", {"kernel": (3, 3), "num_filter": 2, "layout": "NHWC", "no_bias": 1}),
        ("Pooling", {"pool_type": "sum", "kernel": (2, 2)}),
        ("Pooling", {"pooling_convention": "same", "kernel": (2, 2)}),
        ("Pooling", {"pooling_convention": "full", "pool_type": "avg", "pad": (1, 1), "kernel": (3, 3)}),
        ("Pooling", {"pooling_convention": "full", "pad": (1, 1), "kernel": (2, 2), "stride": (3, 3)}),
        ("Pooling_v1", {"pad": (1, 1), "kernel": (3, 3)}),
        ("Pooling_v1", {"pooling_convention": "full", "pool_type": "avg", "kernel": (3, 3)}),
        ("BatchNorm", {"axis": 3}),
        ("LeakyReLU", {"act_type": "gelu"}),
        ("Activation", {"act_type": "log_sigmoid"}),
        ("Dropout", {"mode": "always"}),
        ("Cast", {"dtype": "int32"}),
        ("SoftmaxActivation", {}),
        ("softmax", {"temperature": "2.0"}),
        ("L2Normalization", {"mode": "none"}),
    ],
)
def test_what_is_not_supported_says_so(converted, op, attributes):
    with pytest.raises(ModelError, match=f"net-symbol.json: {op} node 'node': .* is not supported"):
        converted(op, normal(2, 3, 8, 8), attributes, {"w": normal(2, 3, 3, 3)})


@pytest.mark.parametrize(
    ("op", "attributes", "parameters", "message"),
    [
        (
            "Convolution",
            {"kernel": (3, 3), "num_filter": 2, "no_bias": 1},
            {"w": (2, 1, 3, 3)},
            r"expected shape \(2, 3",
        ),
        ("Convolution", {"kernel": (3, 3), "num_filter": 2}, {"w": (2, 3, 3, 3)}, "expected an input 2, found 2"),
        ("Convolution", {"kernel": (9, 9), "num_filter": 2, "no_bias": 1}, {"w": (2, 3, 9, 9)}, "image too small"),
        (
            "Convolution",
            {"kernel": (1, 1), "num_filter": 2, "no_bias": 1, "pad": (20000, 20000)},
            {"w": (2, 3, 1, 1)},
            "expected at most 268435456 numbers an image",
        ),
        ("Convolution", {"kernel": (3,), "num_filter": 2}, {}, "attribute kernel: expected 2 numbers"),
        ("Convolution", {"num_filter": 2}, {}, "attribute kernel: expected 2 numbers"),
        ("Convolution", {"kernel": (3, 3), "num_filter": 2, "num_group": 0}, {}, "multiple of num_group"),
        ("Pooling", {"kernel": (2, 2), "stride": (0, 1)}, {}, "attribute stride: expected 2 numbers of 1"),
        ("FullyConnected", {"num_hidden": 2}, {"w": (2, 100)}, r"expected shape \(2, 192\).*image size"),
        ("BatchNorm", {}, {"g": (3,), "b": (4,), "m": (3,), "v": (3,)}, "parameter 'b' of net-0000.params"),
    ],
)
def test_parameters_that_do_not_fit(converted, op, attributes, parameters, message):
    with pytest.raises(ModelError, match=message):
        converted(op, normal(2, 3, 8, 8), attributes, {name: normal(*shape) for name, shape in parameters.items()})


@pytest.mark.mxnet
@pytest.mark.parametrize(
    ("op", "shape", "attributes", "parameters"),
    [
        ("Convolution", (2, 4, 9, 9), {"kernel": "[3,3]", "num_filter": 6, "num_group": 2}, [(6, 2, 3, 3), (6,)]),
        ("Convolution", (2, 4, 9), {"kernel": (3,), "num_filter": 6, "stride": (2,)}, [(6, 4, 3), (6,)]),
        ("Convolution", (2, 4, 9, 9), {"kernel": (3, 3), "num_filter": 6, "dilate": (2, 2)}, [(6, 4, 3, 3), (6,)]),
        ("Pooling", (2, 3, 10, 9), {"kernel": (3, 3), "stride": (2, 2), "pooling_convention": "full"}, []),
        ("Pooling", (2, 3, 11, 7), {"kernel": (2, 2), "stride": (2, 2), "pooling_convention": "full"}, []),
        (
            "Pooling",
            (2, 3, 10, 9),
            {"kernel": (3, 3), "stride": (2, 2), "pooling_convention": "full", "pool_type": "avg"},
            [],
        ),
        ("Pooling", (2, 3, 10, 9), {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "pool_type": "avg"}, []),
        (
            "Pooling",
            (2, 3, 10, 9),
            {"kernel": (3, 3), "pad": (1, 1), "pool_type": "avg", "count_include_pad": "False"},
            [],
        ),
        ("Pooling", (2, 3, 10, 9), {"kernel": (3, 3), "pad": (1, 1), "stride": (2, 2)}, []),
        ("Pooling", (2, 3, 10, 9), {"kernel": (7, 7), "global_pool": "True", "pool_type": "avg"}, []),
        ("BatchNorm", (2, 3, 4, 4), {}, [(3,)] * 4),
        ("BatchNorm", (2, 3, 4, 4), {"fix_gamma": "False", "eps": "1e-05"}, [(3,)] * 4),
        ("BatchNorm", (2, 3), {"fix_gamma": "0", "eps": "2e-05"}, [(3,)] * 4),
        ("FullyConnected", (2, 3, 4, 4), {"num_hidden": 5}, [(5, 48), (5,)]),
        ("FullyConnected", (2, 3, 4), {"num_hidden": 5, "flatten": "False"}, [(5, 4), (5,)]),
        ("LeakyReLU", (2, 3, 4, 4), {"act_type": "prelu"}, [(3,)]),
        ("LeakyReLU", (2, 3), {"act_type": "prelu"}, [(3,)]),
        ("LeakyReLU", (2, 3, 4, 4), {}, []),
        ("LeakyReLU", (2, 3, 4, 4), {"act_type": "elu", "slope": "0.7"}, []),
        *(("Activation", (2, 3), {"act_type": k}, []) for k in ("relu", "sigmoid", "tanh", "softrelu", "softsign")),
        ("Flatten", (2, 3, 4, 5), {}, []),
        ("Dropout", (2, 3), {"p": "0.4"}, []),
        ("SoftmaxOutput", (2, 7), {}, [(2,)]),
        ("SoftmaxOutput", (2, 7, 3), {"multi_output": "True"}, [(2, 3)]),
        ("SoftmaxOutput", (2, 3, 7), {"preserve_shape": "True"}, [(2, 3)]),
        ("SoftmaxActivation", (2, 7), {}, []),
        ("SoftmaxActivation", (2, 3, 4, 5), {"mode": "channel"}, []),
        ("softmax", (2, 3, 4), {"axis": "1"}, []),
        *(("L2Normalization", (2, 3, 4, 5), {"mode": mode}, []) for mode in ("instance", "channel", "spatial")),
        ("L2Normalization", (2, 7), {}, []),
    ],
)
def test_equals_mxnet(converted, in_mxnet, op, shape, attributes, parameters):
    data = normal(*shape)
    names = ["gamma", "beta", "moving_mean", "moving_var"] if op == "BatchNorm" else ["weight", "bias"]
    arrays = {name: np.abs(normal(*size)) + 0.5 for name, size in zip(names, parameters)}
    close(converted(op, data, attributes, arrays)[0], in_mxnet(op, data, attributes, arrays)[0])
