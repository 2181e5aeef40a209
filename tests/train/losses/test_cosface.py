"""CosFace: a margin on the cosine."""

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError

cosface = pytest.importorskip("insightrec.train.losses.cosface", reason="needs MXNet")
pytestmark = pytest.mark.mxnet


def test_the_margin_is_subtracted_from_the_cosine(mx):
    logit = cosface.CosFace(margin=0.35).target_logit(mx.nd.array([0.5, -0.5]))
    np.testing.assert_allclose(logit.asnumpy(), [0.15, -0.85], rtol=1e-6)


@pytest.mark.parametrize("margin", [-0.1, 1, float("nan")])
def test_domain(margin, options):
    with pytest.raises(InputError, match="--margin-m .*plain number, 0 <= m < 1"):
        cosface.CosFace.from_options(options(margin_m=margin))
