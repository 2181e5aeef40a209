"""A multiplied angle, which is not monotone."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

module = pytest.importorskip("insightrec.train.losses.multiplicative_angle", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_the_angle_is_multiplied(mx):
    cosine = mx.nd.cos(mx.nd.radians(mx.nd.array([15, 30, 45, 90])))
    logit = module.MultiplicativeAngle(multiple=4).target_logit(cosine)
    np.testing.assert_allclose(logit.asnumpy(), [0.5, -0.5, -1, 1], atol=1e-5)  # cos of 60, 120, 180, 360 degrees


def test_domain(options):
    with pytest.raises(InputError, match="--margin 0: expected a whole number of 1 or more"):
        module.MultiplicativeAngle.from_options(options(margin=0))
