from dataclasses import replace

import pytest

from insightrec.train.networks.network_by_name import NetworkOptions

face_stem = pytest.importorskip("insightrec.train.networks.face_stem", reason="needs MXNet")

pytestmark = pytest.mark.mxnet


def graph(mx, options):
    x = mx.sym.var("data")
    with mx.name.NameManager():
        for layer in face_stem.stem_layers(options, image_channels=96):
            x = layer(x)
    return x


@pytest.mark.parametrize(("version_input", "shape"), [(0, (1, 96, 28, 20)), (1, (1, 64, 56, 40)), (2, (1, 64, 56, 40))])
def test_map(mx, version_input, shape):
    symbol = graph(mx, NetworkOptions(version_input=version_input))
    assert symbol.infer_shape(data=(1, 3, 112, 80))[1] == [shape]


def test_the_unit_is_the_same_whatever_resnets_have(mx):
    plain = NetworkOptions()
    other = replace(plain, version_unit=1, version_se=1, version_act="relu")
    assert graph(mx, other).tojson() == graph(mx, plain).tojson()
