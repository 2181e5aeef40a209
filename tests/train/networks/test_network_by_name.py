"""Names and options without MXNet; with it, every network that is listed."""

import sys
import types

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.networks.network_by_name import NETWORKS, NetworkOptions, build_network


@pytest.mark.parametrize("name", ["r51", "y3", "r", "50", "", "R50", "facenet2", "x1"])
def test_an_unknown_name_lists_what_exists(name):
    with pytest.raises(InputError, match=r"--network: expected one of r18, r34, .* y1, .*, facenet, found") as error:
        build_network(name, NetworkOptions())
    assert all(f"{known}," in str(error.value) for known in NETWORKS)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("version_input", 3, "--version-input: expected one of 0, 1, 2, found 3"),
        ("version_unit", 4, "--version-unit: expected one of 1, 2, 3, found 4"),
        ("version_se", 2, "--version-se: expected one of 0, 1, found 2"),
        ("version_act", "prellu", "--version-act: expected one of prelu, relu, .* found prellu"),
        ("version_output", "Q", "--version-output: expected one of A, B, C, .* GAP, GDC, GNAP, found Q"),
        ("version_output", "EX", "--version-output: .* found EX"),
        ("embedding_size", 0, "--emb-size: expected 1 or more, found 0"),
        ("version_multiplier", 0.0, "--version-multiplier: expected a number above 0, found 0.0"),
        ("version_multiplier", float("nan"), "--version-multiplier: .* found nan"),
        ("bn_momentum", 1.0, "--bn-mom: expected a number from 0 to below 1, found 1.0"),
    ],
)
def test_a_bad_variant_lists_the_choices(field, value, message):
    with pytest.raises(InputError, match=message):
        NetworkOptions(**{field: value})


@pytest.mark.parametrize(
    ("name", "asked", "module", "number", "given"),
    [
        ("r50", None, "resnet", 50, "E"),
        ("r50", "GDC", "resnet", 50, "GDC"),
        ("y1", None, "mobilefacenet", 1, None),
        ("y1", "E", "mobilefacenet", 1, "E"),
        ("m1", None, "mobilenet_v1", 1, "E"),
        ("m2", None, "mobilenet_v2", 2, "E"),
        ("facenet", None, "inception_resnet_v1", 1, "E"),
    ],
)
def test_the_family_builds_it_with_its_own_head_if_none_is_asked_for(monkeypatch, name, asked, module, number, given):
    family = types.SimpleNamespace(build=lambda *arguments: arguments)
    monkeypatch.setitem(sys.modules, f"insightrec.train.networks.{module}", family)
    expected = (number, NetworkOptions(embedding_size=5, version_output=given))
    assert build_network(name, NetworkOptions(embedding_size=5, version_output=asked)) == expected


@pytest.mark.mxnet
@pytest.mark.parametrize("name", NETWORKS)
def test_every_listed_network_embeds_faces(mx, name):
    network = build_network(name, NetworkOptions(embedding_size=96, version_output=None))
    symbol = network.symbol()
    assert symbol.list_outputs() == ["fc1_output"]
    assert symbol.infer_shape(data=(2, 3, 112, 112))[1] == [(2, 96)]
    names = symbol.get_internals().list_outputs()
    assert len(set(names)) == len(names)
    parameters = {*symbol.list_arguments(), *symbol.list_auxiliary_states()} - {"data"}
    assert set(network.collect_params()) == parameters


@pytest.mark.mxnet
@pytest.mark.parametrize("name", ["r18", "y1", "s20"])
def test_gradients_are_finite_and_hybridizing_changes_nothing(mx, name):
    mx.random.seed(0)
    network = build_network(name, NetworkOptions(embedding_size=16, version_output=None))
    network.set_up((112, 112), [mx.cpu()])
    faces = mx.nd.random.uniform(0, 255, shape=(2, 3, 112, 112))
    with mx.autograd.record():
        embedding = network(faces)
        loss = (embedding * mx.nd.random.normal(shape=embedding.shape)).sum()
    loss.backward()
    for parameter in network.collect_params().values():
        if parameter.grad_req != "null":
            gradient = parameter.grad().asnumpy()
            assert np.isfinite(gradient).all(), parameter.name
            assert gradient.any(), parameter.name

    imperative = network(faces).asnumpy()
    network.hybridize()
    found = network(faces).asnumpy()
    assert np.abs(found - imperative).max() <= 1e-5 * np.abs(imperative).max()
